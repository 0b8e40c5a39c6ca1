import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.connect.mirror.RemoteClusterUtils;

/**
 * Asks a cluster where consumers go on that come from another one. Arguments: BOOTSTRAP ALIAS GROUP. A line for each
 * partition: topic-partition, offset, metadata in brackets.
 */
public class Translate {
    public static void main(String[] args) throws Exception {
        Map<String, Object> properties = new HashMap<>();
        properties.put("bootstrap.servers", args[0]);
        TreeSet<String> lines = new TreeSet<>();
        RemoteClusterUtils.translateOffsets(properties, args[1], args[2], Duration.ofSeconds(10))
            .forEach((partition, at) -> lines.add(partition + " " + at.offset() + " [" + at.metadata() + "]"));
        lines.forEach(System.out::println);
    }
}
