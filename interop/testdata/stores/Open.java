import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/**
 * Opens key stores as Kafka does. Arguments: TYPE PATH STORE-PASSWORD KEY-PASSWORD, again and again, "-" for none. A line
 * for each: the key that Java's key manager takes for a server, and each entry; or REFUSED.
 */
public class Open {
    public static void main(String[] args) throws Exception {
        for (int i = 0; i + 3 < args.length; i += 4) {
            System.out.println(open(args[i], args[i + 1], args[i + 2], args[i + 3]));
        }
    }

    private static String open(String type, String path, String storePassword, String keyPassword) throws Exception {
        Map<String, Object> settings = new HashMap<>();
        settings.put("ssl.protocol", "TLSv1.3");
        settings.put("ssl.keystore.type", type);
        settings.put("ssl.keystore.location", path);
        put(settings, "ssl.keystore.password", storePassword);
        put(settings, "ssl.key.password", keyPassword);
        DefaultSslEngineFactory factory = new DefaultSslEngineFactory();
        try {
            factory.configure(settings);
        } catch (Exception e) {
            return "REFUSED " + reason(e);
        }
        KeyStore store = factory.keystore();
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        String password = keyPassword.equals("-") ? storePassword : keyPassword;
        managers.init(store, password.equals("-") ? null : password.toCharArray());
        X509ExtendedKeyManager manager = (X509ExtendedKeyManager) managers.getKeyManagers()[0];
        String picked = null;
        for (String kind : new String[] {"EC", "EdDSA", "RSA"}) {
            if (picked == null) {
                picked = manager.chooseEngineServerAlias(kind, null, null);
            }
        }
        List<String> entries = new ArrayList<>();
        for (String alias : Collections.list(store.aliases())) {
            int chain = store.getCertificateChain(alias) == null ? 0 : store.getCertificateChain(alias).length;
            String name = ((X509Certificate) store.getCertificate(alias)).getSubjectX500Principal().getName();
            entries.add((store.isKeyEntry(alias) ? "key " : "trusted ") + alias + " " + name + " " + chain);
        }
        Collections.sort(entries);
        return "picks " + picked + ": " + String.join("; ", entries);
    }

    private static String reason(Throwable e) {
        return e.getCause() == null ? e.getMessage() : reason(e.getCause());
    }

    private static void put(Map<String, Object> settings, String name, String password) {
        if (!password.equals("-")) {
            settings.put(name, new Password(password));
        }
    }
}
