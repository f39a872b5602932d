package dev.weir.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/** What a client of exec or attach talks to. One thread calls it, except for {@link #left}. */
interface Peer {
    /** The client's side; calls may come from several threads. */
    interface Client {
        /** Sends output; waits while the client is slow. */
        void output(boolean error, byte[] bytes, int n) throws InterruptedException;

        /** Nothing more comes. */
        void ended(Ending ending);
    }

    /** How a session ended, as clients want it told. */
    record Ending(ObjectNode status) {
        private static final ObjectMapper JSON = new ObjectMapper();

        /** A command ended with this code. */
        static Ending exit(int code) {
            if (code == 0) {
                ObjectNode status = JSON.createObjectNode().put("status", "Success");
                status.putObject("metadata");
                return new Ending(status);
            }
            Ending failure =
                    failure("NonZeroExitCode", "command terminated with non-zero exit code: exit status " + code);
            failure.status
                    .putObject("details")
                    .putArray("causes")
                    .addObject()
                    .put("reason", "ExitCode")
                    .put("message", Integer.toString(code));
            return failure;
        }

        static Ending failure(String message) {
            return failure("InternalError", message);
        }

        private static Ending failure(String reason, String message) {
            ObjectNode status = JSON.createObjectNode();
            status.putObject("metadata");
            status.put("status", "Failure").put("reason", reason).put("message", message);
            return new Ending(status);
        }
    }

    /** Begins; returns soon. */
    void begin(Client client) throws IOException, Misconfigured, InterruptedException;

    /** Gives input; waits while nobody reads it. */
    void input(byte[] bytes) throws IOException;

    void endInput() throws IOException;

    void resize(int columns, int rows);

    /** The client went; called once, whether it had begun or not. */
    void left();
}
