package dev.weir.e2e;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The directions in which one part may know another. */
class LayerTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.weir");

    static Stream<ArchRule> rules() {
        return Stream.of(
                noClasses()
                        .that()
                        .resideInAPackage("dev.weir.engine..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(
                                "io.fabric8..",
                                "java.net..",
                                "java.io..",
                                "java.util.concurrent..",
                                "org.slf4j..",
                                "dev.weir.model..",
                                "dev.weir.kubernetes..",
                                "dev.weir.operator.."),
                noClasses()
                        .that()
                        .resideInAPackage("dev.weir.engine..")
                        .should()
                        .callMethod(java.time.Instant.class, "now")
                        .orShould()
                        .callMethod(System.class, "nanoTime"),
                noClasses()
                        .that()
                        .resideInAnyPackage("dev.weir.apiserver..", "dev.weir.dataplane..", "dev.weir.samples..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(
                                "dev.weir.engine..",
                                "dev.weir.model..",
                                "dev.weir.kubernetes..",
                                "dev.weir.operator..",
                                "dev.weir.local..",
                                "dev.weir.cli.."),
                noClasses()
                        .that()
                        .resideInAnyPackage("dev.weir.model..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("io.fabric8..", "dev.weir.kubernetes..", "dev.weir.operator.."),
                noClasses()
                        .that()
                        .resideInAPackage("dev.weir.kubernetes..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("dev.weir.operator.."),
                noClasses()
                        .that()
                        .resideInAPackage("dev.weir.metrics..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(
                                "io.fabric8..", "dev.weir.model..", "dev.weir.kubernetes..", "dev.weir.operator.."),
                noClasses()
                        .that()
                        .resideInAPackage("dev.weir.operator..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("dev.weir.local..", "dev.weir.apiserver..", "dev.weir.cli.."),
                noClasses().should().haveNameMatching(".*(Util|Utils|Helper|Manager|Impl)"));
    }

    @ParameterizedTest
    @MethodSource("rules")
    void holds(ArchRule rule) {
        rule.check(CLASSES);
    }
}
