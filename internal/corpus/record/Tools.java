import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.InputStream;
import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs one tool after the other in one JVM, as each would run in its own: what
 * it prints is kept apart, its exit ends its thread for good, and its shutdown
 * hooks run then. A request is a class name, arguments and input; the answer an
 * exit code and the two streams.
 */
public final class Tools {
    /** A stream whose far end changes with every tool. */
    static final class Switch extends OutputStream {
        volatile ByteArrayOutputStream to = new ByteArrayOutputStream();
        @Override public void write(int b) { to.write(b); }
        @Override public void write(byte[] b, int off, int len) { to.write(b, off, len); }
    }

    static final class Input extends InputStream {
        volatile InputStream from = new ByteArrayInputStream(new byte[0]);
        @Override public int read() throws java.io.IOException { return from.read(); }
        @Override public int read(byte[] b, int off, int len) throws java.io.IOException { return from.read(b, off, len); }
        @Override public int available() throws java.io.IOException { return from.available(); }
    }

    static volatile CompletableFuture<Integer> ended;
    static final List<Runnable> hooks = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        DataInputStream requests = new DataInputStream(System.in);
        DataOutputStream answers = new DataOutputStream(new FileOutputStream(FileDescriptor.out));
        Switch out = new Switch();
        Switch err = new Switch();
        Input in = new Input();
        System.setOut(new PrintStream(out, true));
        System.setErr(new PrintStream(err, true));
        System.setIn(in);
        Exit.setExitProcedure(Tools::exit);
        Exit.setHaltProcedure(Tools::exit);
        Exit.setShutdownHookAdder((name, hook) -> { synchronized (hooks) { hooks.add(hook); } });
        while (true) {
            String name = text(requests);
            String[] words = new String[requests.readInt()];
            for (int i = 0; i < words.length; i++) {
                words[i] = text(requests);
            }
            in.from = new ByteArrayInputStream(text(requests).getBytes("UTF-8"));
            out.to = new ByteArrayOutputStream();
            err.to = new ByteArrayOutputStream();
            int code = run(name, words);
            System.out.flush();
            System.err.flush();
            answers.writeInt(code);
            answer(answers, out.to.toByteArray());
            answer(answers, err.to.toByteArray());
            answers.flush();
        }
    }

    static void exit(int code, String message) {
        ended.complete(code);
        while (true) { // as System.exit, it does not return
            java.util.concurrent.locks.LockSupport.park();
        }
    }

    static int run(String name, String[] words) throws Exception {
        CompletableFuture<Integer> end = new CompletableFuture<>();
        ended = end;
        Thread thread = new Thread(() -> {
            try {
                Method method = Class.forName(name).getMethod("main", String[].class);
                method.invoke(null, (Object) words);
                end.complete(0);
            } catch (InvocationTargetException e) {
                System.err.print("Exception in thread \"main\" ");
                e.getCause().printStackTrace();
                end.complete(1);
            } catch (Throwable e) {
                e.printStackTrace();
                end.complete(1);
            }
        }, "main");
        thread.setDaemon(true);
        thread.start();
        int code = end.get();
        List<Runnable> last;
        synchronized (hooks) {
            last = new ArrayList<>(hooks);
            hooks.clear();
        }
        for (Runnable hook : last) {
            hook.run();
        }
        return code;
    }

    static String text(DataInputStream from) throws Exception {
        byte[] bytes = new byte[from.readInt()];
        from.readFully(bytes);
        return new String(bytes, "UTF-8");
    }

    static void answer(DataOutputStream to, byte[] bytes) throws Exception {
        to.writeInt(bytes.length);
        to.write(bytes);
    }
}
