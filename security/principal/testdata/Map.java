import java.io.*;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.security.ssl.SslPrincipalMapper;

/** Fills in the third column of a table of rules and names:
 *  java -cp kafka-clients.jar Map.java < rules.tsv. Not part of any build. */
class Map {
    public static void main(String[] a) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            if (line.isBlank() || line.startsWith("# ")) { out.println(line); continue; }
            String[] f = line.split("\t", -1);
            String result;
            try {
                SslPrincipalMapper m = SslPrincipalMapper.fromRules(f[0]);
                try {
                    result = "= " + m.getName(f[1]);
                } catch (IOException e) {
                    result = "none";
                } catch (RuntimeException e) {
                    result = "throws";
                }
            } catch (RuntimeException e) {
                result = "refused";
            }
            out.println(f[0] + "\t" + f[1] + "\t" + result);
        }
    }
}
