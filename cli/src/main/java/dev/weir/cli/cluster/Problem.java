package dev.weir.cli.cluster;

/** Why a command cannot do what it was asked to, for its user. */
public final class Problem extends RuntimeException {
    /** It failed, or what was asked about does not hold. */
    public static final int FAILED = 1;
    /** Wrong usage, or input that cannot be used. */
    public static final int USAGE = 2;
    /** The cluster could not be reached, or refused. */
    public static final int CLUSTER = 3;

    private static final long serialVersionUID = 1;

    private final int exitCode;

    public Problem(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    public int exitCode() {
        return exitCode;
    }
}
