package dev.weir.e2e.stack;

/** Something that whoever runs the stack must hear of and can do something about; its message is all that is printed. */
final class Trouble extends RuntimeException {
    private static final long serialVersionUID = 1;

    Trouble(String message) {
        super(message);
    }
}
