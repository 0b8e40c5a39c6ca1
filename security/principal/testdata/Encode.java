import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import javax.security.auth.x500.X500Principal;

/** Fills in the second column of a table of typed names: java Encode.java < typed.tsv. Not part of any build. */
class Encode {
    public static void main(String[] a) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            if (line.isBlank() || line.startsWith("# ")) { out.println(line); continue; }
            String text = line.split("\t", -1)[0];
            String der;
            try {
                der = HexFormat.of().formatHex(new X500Principal(text).getEncoded());
            } catch (IllegalArgumentException e) {
                der = "refused";
                if (a.length > 0) der += " " + e.getCause();
            }
            out.println(text + "\t" + der);
        }
    }
}
