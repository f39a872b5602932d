import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Prints the table that the API server decodes protobuf bodies by: a line per message, a word per field.
 *
 * <p>Run with io.kubernetes:client-java-proto and its dependencies on the class path; the output, gzipped, is
 * apiserver/src/main/resources/dev/weir/apiserver/kubernetes-1.34/protobuf-fields.txt.gz.
 */
final class FieldTable {
    private static final String[] FILES = {
        "Meta",
        "Runtime",
        "V1",
        "V1Admissionregistration",
        "V1Apiextensions",
        "V1Apps",
        "V1Authentication",
        "V1Authorization",
        "V1Autoscaling",
        "V2Autoscaling",
        "V1Batch",
        "V1Certificates",
        "V1Coordination",
        "V1Discovery",
        "V1Events",
        "V1Networking",
        "V1Node",
        "V1Policy",
        "V1Rbac",
        "V1Scheduling",
        "V1Storage",
        "Resource",
        "IntStr"
    };

    private FieldTable() {}

    public static void main(String[] args) throws Exception {
        TreeMap<String, String> lines = new TreeMap<>();
        for (String file : FILES) {
            try {
                Class<?> type = Class.forName("io.kubernetes.client.proto." + file);
                FileDescriptor descriptor =
                        (FileDescriptor) type.getMethod("getDescriptor").invoke(null);
                descriptor.getMessageTypes().forEach(message -> print(message, lines));
            } catch (ClassNotFoundException absent) {
                System.err.println("no " + file);
            }
        }
        lines.values().forEach(System.out::println);
    }

    private static void print(Descriptor message, TreeMap<String, String> lines) {
        if (message.getOptions().getMapEntry()) {
            return;
        }
        lines.put(
                message.getFullName(),
                message.getFullName() + " "
                        + message.getFields().stream().map(FieldTable::field).collect(Collectors.joining(" ")));
        message.getNestedTypes().forEach(nested -> print(nested, lines));
    }

    /** {@code number:name:kind}, kind being a scalar's name or a message's, with [] for lists and {} for maps. */
    private static String field(FieldDescriptor field) {
        String kind;
        if (field.isMapField()) {
            kind = "{}" + kind(field.getMessageType().findFieldByNumber(2));
        } else {
            kind = (field.isRepeated() ? "[]" : "") + kind(field);
        }
        return field.getNumber() + ":" + field.getName() + ":" + kind;
    }

    private static String kind(FieldDescriptor field) {
        return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
                ? field.getMessageType().getFullName()
                : field.getType().name().toLowerCase();
    }
}
