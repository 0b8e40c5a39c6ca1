import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;

/**
 * Asks Kafka's own StandardAuthorizer: sets of rules and questions come on stdin, answers go to stdout.
 *
 * A set is: super users, everyone (one byte), the bindings, the questions; numbers are big-endian, texts are a length
 * and UTF-8. The answer to a set is the count of bindings held, then two bytes a question: allowed, allowed by type.
 */
public class Judge {
    private final DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
    private final DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));

    public static void main(String[] args) throws Exception {
        Judge judge = new Judge();
        for (;;) {
            String supers;
            try {
                supers = judge.text();
            } catch (EOFException e) {
                return;
            }
            judge.set(supers);
        }
    }

    private void set(String supers) throws Exception {
        try (StandardAuthorizer authorizer = new StandardAuthorizer()) {
            Map<String, Object> config = new HashMap<>();
            config.put("super.users", supers);
            config.put("allow.everyone.if.no.acl.found", in.readByte() == 1 ? "true" : "false");
            config.put("node.id", "1");
            authorizer.configure(config);
            meter(authorizer);
            Map<Uuid, StandardAcl> snapshot = new HashMap<>();
            for (int n = in.readInt(); n > 0; n--) {
                snapshot.put(Uuid.randomUuid(), new StandardAcl(ResourceType.fromCode(in.readByte()), text(), PatternType.fromCode(in.readByte()),
                    text(), text(), AclOperation.fromCode(in.readByte()), AclPermissionType.fromCode(in.readByte())));
            }
            authorizer.loadSnapshot(snapshot);
            authorizer.completeInitialLoad();
            out.writeInt(authorizer.aclCount());
            for (int n = in.readInt(); n > 0; n--) {
                question(authorizer);
            }
            out.flush();
        }
    }

    /** Kafka 4.1 and later do not decide without metrics (KIP-877); 3.9 does not know them. */
    private static void meter(StandardAuthorizer authorizer) throws Exception {
        for (Method m : StandardAuthorizer.class.getMethods()) {
            if (m.getName().equals("withPluginMetrics")) {
                Class<?> metrics = Class.forName("org.apache.kafka.common.metrics.internals.PluginMetricsImpl");
                m.invoke(authorizer, metrics.getConstructor(Metrics.class, Map.class).newInstance(new Metrics(), Map.of()));
            }
        }
    }

    private void question(StandardAuthorizer authorizer) throws IOException {
        Asking asking = new Asking(new KafkaPrincipal(text(), text()), InetAddress.getByAddress(bytes()));
        AclOperation operation = AclOperation.fromCode(in.readByte());
        ResourceType type = ResourceType.fromCode(in.readByte());
        ResourcePattern resource = new ResourcePattern(type, text(), PatternType.LITERAL);
        List<AuthorizationResult> results = authorizer.authorize(asking, List.of(new Action(operation, resource, 1, true, true)));
        out.writeByte(results.get(0) == AuthorizationResult.ALLOWED ? 1 : 0);
        out.writeByte(authorizer.authorizeByResourceType(asking, operation, type) == AuthorizationResult.ALLOWED ? 1 : 0);
    }

    private byte[] bytes() throws IOException {
        byte[] b = new byte[in.readInt()];
        in.readFully(b);
        return b;
    }

    private String text() throws IOException {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    private record Asking(KafkaPrincipal principal, InetAddress clientAddress) implements AuthorizableRequestContext {
        public String listenerName() {
            return "SSL";
        }

        public SecurityProtocol securityProtocol() {
            return SecurityProtocol.SSL;
        }

        public int requestType() {
            return 0;
        }

        public int requestVersion() {
            return 0;
        }

        public String clientId() {
            return "judge";
        }

        public int correlationId() {
            return 0;
        }
    }
}
