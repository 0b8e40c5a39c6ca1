package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// classes gives the main class of each tool by release line; the first entry
// whose version prefix fits counts.
var classes = map[string][]struct{ release, class string }{
	"topics":              {{"2.", "kafka.admin.TopicCommand"}, {"", "org.apache.kafka.tools.TopicCommand"}},
	"acls":                {{"4.", "org.apache.kafka.tools.AclCommand"}, {"", "kafka.admin.AclCommand"}},
	"configs":             {{"", "kafka.admin.ConfigCommand"}},
	"console-producer":    {{"4.", "org.apache.kafka.tools.ConsoleProducer"}, {"", "kafka.tools.ConsoleProducer"}},
	"console-consumer":    {{"2.", "kafka.tools.ConsoleConsumer"}, {"", "org.apache.kafka.tools.consumer.ConsoleConsumer"}},
	"consumer-groups":     {{"2.", "kafka.admin.ConsumerGroupCommand"}, {"", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"}},
	"producer-perf":       {{"", "org.apache.kafka.tools.ProducerPerformance"}},
	"consumer-perf":       {{"2.", "kafka.tools.ConsumerPerformance"}, {"", "org.apache.kafka.tools.ConsumerPerformance"}},
	"dump-log":            {{"4.", "org.apache.kafka.tools.DumpLogSegments"}, {"", "kafka.tools.DumpLogSegments"}},
	"mirror-maker":        {{"", "kafka.tools.MirrorMaker"}},
	"mirror-maker-2":      {{"", "org.apache.kafka.connect.mirror.MirrorMaker"}},
	"get-offsets":         {{"", "org.apache.kafka.tools.GetOffsetShell"}},
	"delete-records":      {{"", "org.apache.kafka.tools.DeleteRecordsCommand"}},
	"log-dirs":            {{"", "org.apache.kafka.tools.LogDirsCommand"}},
	"cluster":             {{"", "org.apache.kafka.tools.ClusterTool"}},
	"broker-api-versions": {{"4.", "org.apache.kafka.tools.BrokerApiVersionsCommand"}, {"", "kafka.admin.BrokerApiVersionsCommand"}},
	"zookeeper":           {{"", "org.apache.zookeeper.server.ZooKeeperServerMain"}},
	"storage":             {{"", "kafka.tools.StorageTool"}},
	"server":              {{"", "kafka.Kafka"}},
}

// Java is a command that runs a tool, or a class by its full name, of a release.
func Java(ctx context.Context, version, tool string, args ...string) (*exec.Cmd, error) {
	classPath, err := Jars(version)
	if err != nil {
		return nil, err
	}
	logging, err := loggingOption(version)
	if err != nil {
		return nil, err
	}
	heap := os.Getenv("KAFKA_HEAP_OPTS")
	if heap == "" {
		heap = "-Xmx512m"
	}
	argv := append(strings.Fields(heap), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", logging, "-cp", classPath, Class(version, tool))
	if tool == "server" || tool == "mirror-maker" || tool == "mirror-maker-2" || tool == "producer-perf" {
		argv = append(strings.Fields(heap), logging, "-cp", classPath, Class(version, tool))
	}
	return exec.CommandContext(ctx, "java", append(argv, args...)...), nil
}

// Class is the main class of a tool, or the name itself where that is one.
func Class(version, tool string) string {
	for _, c := range classes[tool] {
		if strings.HasPrefix(version, c.release) {
			return c.class
		}
	}
	return tool
}

// loggingOption keeps the libraries' log on stderr, from WARN up, as Kafka's
// scripts do.
func loggingOption(version string) (string, error) {
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	file, option := filepath.Join(cache, "log4j.properties"), "-Dlog4j.configuration=file:"
	text := "log4j.rootLogger=WARN, stderr\n" +
		"log4j.appender.stderr=org.apache.log4j.ConsoleAppender\n" +
		"log4j.appender.stderr.target=System.err\n" +
		"log4j.appender.stderr.layout=org.apache.log4j.PatternLayout\n" +
		"log4j.appender.stderr.layout.ConversionPattern=%p %m (%c)%n\n"
	if strings.HasPrefix(version, "4.") {
		file, option = filepath.Join(cache, "log4j2.properties"), "-Dlog4j2.configurationFile=file:"
		text = "status=error\n" +
			"appender.stderr.type=Console\nappender.stderr.name=stderr\nappender.stderr.target=SYSTEM_ERR\n" +
			"appender.stderr.layout.type=PatternLayout\nappender.stderr.layout.pattern=%p %m (%c)%n\n" +
			"rootLogger.level=warn\nrootLogger.appenderRef.stderr.ref=stderr\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("write the logging settings of Java tools: %w", err)
	}
	return option + file, nil
}
