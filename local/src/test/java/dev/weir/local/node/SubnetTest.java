package dev.weir.local.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubnetTest {
    @Test
    void eachAddressIsGivenToOneAtATime() {
        Subnet subnet = new Subnet("10.0.1.8/29");
        assertThat(subnet.router()).isEqualTo("10.0.1.9");
        assertThat(subnet.take("")).isEqualTo("10.0.1.10");
        assertThat(subnet.take("")).isEqualTo("10.0.1.11");
        subnet.release("10.0.1.10");
        assertThat(subnet.take("")).as("one that was given back is taken last").isEqualTo("10.0.1.12");
        subnet.take("");
        subnet.take("");
        assertThat(subnet.take("")).isEqualTo("10.0.1.10");
        assertThatIllegalStateException().isThrownBy(() -> subnet.take("")).withMessageContaining("10.0.1.8/29");
    }

    @Test
    void aPodKeepsItsAddressIfNobodyHasItNow() {
        Subnet subnet = new Subnet("10.0.1.0/24");
        assertThat(subnet.take("10.0.1.77")).isEqualTo("10.0.1.77");
        assertThat(subnet.take("10.0.1.77")).isNotEqualTo("10.0.1.77");
        assertThat(subnet.take("10.0.1.1")).as("the router's").isNotEqualTo("10.0.1.1");
        assertThat(subnet.take("10.0.2.77")).as("of another range").startsWith("10.0.1.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.1.0", "10.0.1.0/31", "10.0.1.1/24", "10.0.256.0/24", "10.0.0/24", "fd00::/64", ""})
    void whatIsNoRangeIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Subnet(text));
    }
}
