package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weir.dataplane.CopyWindow.End;
import org.junit.jupiter.api.Test;

class CopyWindowTest {
    /** How many can be taken now; gives none back. */
    private static int takeAll(CopyWindow window) {
        int taken = 0;
        while (window.take()) {
            taken++;
        }
        assertThat(window.full()).isTrue();
        return taken;
    }

    private static void giveAll(CopyWindow window, int taken, End end) {
        for (int i = 0; i < taken; i++) {
            window.give(end);
        }
    }

    @Test
    void isNarrowForWhoLetsCopiesWaitAndWideForWhoAnswers() {
        CopyWindow window = new CopyWindow(1024);
        assertThat(takeAll(window)).isEqualTo(256);
        giveAll(window, 256, End.GIVEN_UP);
        assertThat(takeAll(window)).isEqualTo(8);
        giveAll(window, 8, End.GIVEN_UP);
        assertThat(takeAll(window))
                .as("never none: it would not be seen to answer again")
                .isEqualTo(8);
        giveAll(window, 8, End.ANSWERED);
        assertThat(takeAll(window))
                .as("twice as many with each round of answers")
                .isEqualTo(16);
        int taken = 16;
        while (taken < 1024) {
            giveAll(window, taken, End.ANSWERED);
            int next = takeAll(window);
            assertThat(next).isEqualTo(Math.min(1024, 2 * taken));
            taken = next;
        }
        giveAll(window, taken, End.ANSWERED);
        assertThat(takeAll(window)).isEqualTo(1024);
    }

    @Test
    void aBrokenConnectionChangesNothing() {
        CopyWindow window = new CopyWindow(1024);
        giveAll(window, takeAll(window), End.BROKEN);
        assertThat(takeAll(window)).isEqualTo(256);
    }

    @Test
    void isNeverWiderThanTheBound() {
        CopyWindow window = new CopyWindow(3);
        giveAll(window, takeAll(window), End.ANSWERED);
        assertThat(takeAll(window)).isEqualTo(3);
        giveAll(window, 3, End.GIVEN_UP);
        assertThat(takeAll(window)).isEqualTo(3);
    }
}
