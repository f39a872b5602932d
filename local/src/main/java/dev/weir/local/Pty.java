package dev.weir.local;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * A pseudo-terminal of Linux, from the side of whoever sits at it. The other side is a file, which a command opens as its
 * terminal. Reads and writes block the thread natively, so they belong on platform threads.
 */
final class Pty implements Closeable {
    private static final int READ_WRITE = 2;
    private static final int NO_CONTROL = 0x100;
    private static final int NON_BLOCKING = 0x800;
    private static final int CLOSE_ON_EXEC = 0x80000;
    private static final int SET_WINDOW_SIZE = 0x5414;
    private static final short READABLE = 1;
    private static final short WRITABLE = 4;
    private static final int INTERRUPTED = 4;
    private static final int TRY_AGAIN = 11;
    /** How long a look at the terminal waits before it asks whether it was closed meanwhile. */
    private static final int LOOK_MILLIS = 200;

    private static final int NAME_BYTES = 128;

    private final Calls calls;
    private final int master;
    private final String file;
    private volatile boolean closed;
    /** Who is inside a call; the descriptor is closed when they are out. */
    private int inside;

    private Pty(Calls calls, int master, String file) {
        this.calls = calls;
        this.master = master;
        this.file = file;
    }

    /** @throws IOException if this system gives none */
    static Pty open() throws IOException {
        if (!System.getProperty("os.name").equals("Linux")) {
            throw new IOException("terminals need Linux; leave --tty (-t) out");
        }
        Calls calls = Calls.ALL;
        try (Arena arena = Arena.ofConfined()) {
            int master = calls.open(READ_WRITE | NO_CONTROL | NON_BLOCKING | CLOSE_ON_EXEC);
            MemorySegment name = arena.allocate(NAME_BYTES);
            if (master < 0) {
                throw new IOException("no terminal can be had: posix_openpt failed, /dev/ptmx is missing or used up");
            }
            if (calls.ready(master) != 0 || calls.name(master, name) != 0) {
                calls.close(master);
                throw new IOException("no terminal can be had: /dev/pts is not there");
            }
            return new Pty(calls, master, name.getString(0));
        }
    }

    /** What a command opens. */
    String file() {
        return file;
    }

    /** Tells the commands at the terminal how large it is. */
    void resize(int columns, int rows) {
        if (!enter()) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(ValueLayout.JAVA_SHORT, 4);
            size.setAtIndex(ValueLayout.JAVA_SHORT, 0, (short) rows);
            size.setAtIndex(ValueLayout.JAVA_SHORT, 1, (short) columns);
            calls.control(master, SET_WINDOW_SIZE, size);
        } finally {
            leave();
        }
    }

    /** Waits for output; -1 once no command has the terminal open any more, or it is closed. */
    int read(byte[] into) {
        if (!enter()) {
            return -1;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment look = Calls.look(arena, master, READABLE);
            MemorySegment buffer = arena.allocate(into.length);
            MemorySegment state = arena.allocate(Calls.STATE);
            while (!closed) {
                if (!calls.poll(look, LOOK_MILLIS)) {
                    continue;
                }
                int n = (int) calls.read(state, master, buffer, into.length);
                if (n > 0) {
                    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, into, 0, n);
                    return n;
                }
                int error = Calls.errno(state);
                if (n == 0 || error != INTERRUPTED && error != TRY_AGAIN) {
                    return -1;
                }
            }
            return -1;
        } finally {
            leave();
        }
    }

    /** Types; waits while the commands at the terminal do not read. */
    void write(byte[] bytes) throws IOException {
        if (!enter()) {
            throw new IOException("the terminal is closed");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment look = Calls.look(arena, master, WRITABLE);
            MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            MemorySegment state = arena.allocate(Calls.STATE);
            long from = 0;
            while (from < bytes.length && !closed) {
                if (!calls.poll(look, LOOK_MILLIS)) {
                    continue;
                }
                long n = calls.write(state, master, buffer.asSlice(from), bytes.length - from);
                if (n >= 0) {
                    from += n;
                    continue;
                }
                int error = Calls.errno(state);
                if (error != INTERRUPTED && error != TRY_AGAIN) {
                    throw new IOException("the terminal is closed");
                }
            }
        } finally {
            leave();
        }
    }

    private synchronized boolean enter() {
        if (!closed) {
            inside++;
        }
        return !closed;
    }

    private synchronized void leave() {
        inside--;
        if (closed && inside == 0) {
            calls.close(master);
        }
    }

    /** Hangs up. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (inside == 0) {
                calls.close(master);
            }
        }
    }

    /** The C library. */
    @SuppressWarnings("restricted") // the launcher enables native access
    private record Calls(
            MethodHandle openPty,
            MethodHandle grant,
            MethodHandle unlock,
            MethodHandle nameOf,
            MethodHandle ioctl,
            MethodHandle pollOne,
            MethodHandle readSome,
            MethodHandle writeSome,
            MethodHandle closeOne) {
        private static final Linker LINKER = Linker.nativeLinker();
        private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
        static final StructLayout STATE = Linker.Option.captureStateLayout();
        private static final VarHandle ERROR = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
        private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
        private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
        static final Calls ALL = find();

        private static Calls find() {
            return new Calls(
                    handle("posix_openpt", FunctionDescriptor.of(INT, INT)),
                    handle("grantpt", FunctionDescriptor.of(INT, INT)),
                    handle("unlockpt", FunctionDescriptor.of(INT, INT)),
                    handle("ptsname_r", FunctionDescriptor.of(INT, INT, ValueLayout.ADDRESS, LONG)),
                    handle(
                            "ioctl",
                            FunctionDescriptor.of(INT, INT, LONG, ValueLayout.ADDRESS),
                            Linker.Option.firstVariadicArg(2)),
                    handle("poll", FunctionDescriptor.of(INT, ValueLayout.ADDRESS, LONG, INT)),
                    handle("read", FunctionDescriptor.of(LONG, INT, ValueLayout.ADDRESS, LONG), ERRNO),
                    handle("write", FunctionDescriptor.of(LONG, INT, ValueLayout.ADDRESS, LONG), ERRNO),
                    handle("close", FunctionDescriptor.of(INT, INT)));
        }

        private static MethodHandle handle(String name, FunctionDescriptor type, Linker.Option... options) {
            return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type, options);
        }

        private interface Call<T> {
            T run() throws Throwable;
        }

        /** Downcalls throw nothing of their own. */
        private static <T> T call(Call<T> call) {
            try {
                return call.run();
            } catch (Throwable impossible) {
                throw new IllegalStateException(impossible);
            }
        }

        static int errno(MemorySegment state) {
            return (int) ERROR.get(state, 0L);
        }

        int open(int flags) {
            return call(() -> (int) openPty.invokeExact(flags));
        }

        /** 0 if the other side can be opened now. */
        int ready(int master) {
            return call(() -> (int) grant.invokeExact(master) == 0 ? (int) unlock.invokeExact(master) : -1);
        }

        int name(int master, MemorySegment into) {
            return call(() -> (int) nameOf.invokeExact(master, into, into.byteSize()));
        }

        void control(int master, long what, MemorySegment with) {
            int unused = call(() -> (int) ioctl.invokeExact(master, what, with));
        }

        /** What to wait for, as poll wants it. */
        static MemorySegment look(Arena arena, int descriptor, short events) {
            MemorySegment one = arena.allocate(8, 4);
            one.set(INT, 0, descriptor);
            one.set(ValueLayout.JAVA_SHORT, 4, events);
            return one;
        }

        /** Whether it happened within the time. */
        boolean poll(MemorySegment look, int millis) {
            return call(() -> (int) pollOne.invokeExact(look, 1L, millis)) > 0;
        }

        long read(MemorySegment state, int descriptor, MemorySegment into, long most) {
            return call(() -> (long) readSome.invokeExact(state, descriptor, into, most));
        }

        long write(MemorySegment state, int descriptor, MemorySegment from, long n) {
            return call(() -> (long) writeSome.invokeExact(state, descriptor, from, n));
        }

        void close(int descriptor) {
            int unused = call(() -> (int) closeOne.invokeExact(descriptor));
        }
    }
}
