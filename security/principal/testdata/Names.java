import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import javax.security.auth.x500.X500Principal;

/** Fills in the third column of a table of names: java Names.java < names.tsv. Not part of any build. */
class Names {
    public static void main(String[] a) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            if (line.isBlank() || line.startsWith("#")) { out.println(line); continue; }
            String[] f = line.split("\t", -1);
            String text;
            try {
                text = quote(new X500Principal(HexFormat.of().parseHex(f[1])).getName());
            } catch (IllegalArgumentException e) {
                text = "refused";
            }
            out.println(f[0] + "\t" + f[1] + "\t" + text);
        }
    }

    static String quote(String s) {
        var b = new StringBuilder("\"");
        s.codePoints().forEach(c -> {
            if (c == '"' || c == '\\') b.append('\\').appendCodePoint(c);
            else if (c < 0x20 || c == 0x7f || c == 0xa0 || c == 0xfffd || c == 0x301) b.append(String.format("\\u%04x", c));
            else b.appendCodePoint(c);
        });
        return b.append('"').toString();
    }
}
