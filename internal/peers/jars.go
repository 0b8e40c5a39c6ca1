package peers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The releases that everything is tried against: the oldest client that Kafka
// 4 still serves, the last with ZooKeeper and MirrorMaker 1, and the newest.
const (
	Oldest = "2.1.1"
	Last3  = "3.9.1"
	Newest = "4.3.1"
)

// coordinate is one artifact of a release's class path.
type coordinate struct{ group, artifact, version string }

var releases = map[string][]coordinate{
	Oldest: {
		{"org.apache.kafka", "kafka_2.12", Oldest},
		{"org.apache.kafka", "kafka-tools", Oldest},
		{"org.slf4j", "slf4j-log4j12", "1.7.36"},
	},
	Last3: {
		{"org.apache.kafka", "kafka_2.13", Last3},
		{"org.apache.kafka", "kafka-tools", Last3},
		{"org.apache.kafka", "connect-mirror", Last3},
		{"org.apache.kafka", "connect-runtime", Last3},
		{"org.slf4j", "slf4j-reload4j", "1.7.36"},
	},
	Newest: {
		{"org.apache.kafka", "kafka_2.13", Newest},
		{"org.apache.kafka", "kafka-tools", Newest},
		{"org.apache.kafka", "connect-mirror-client", Newest},
		{"org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"},
	},
}

// ErrMissing says which program this machine lacks.
var ErrMissing = errors.New("not found on this machine")

// Check reports the first program that is missing.
func Check() error {
	for program, why := range map[string]string{
		"java":    "Java 17 runs Apache Kafka and its clients",
		"mvn":     "Maven fetches Apache Kafka",
		"keytool": "the Java key tool makes the course's stores",
		"openssl": "openssl signs the course's certificates",
	} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s: %w (%s)", program, ErrMissing, why)
		}
	}
	return nil
}

// Cache is the folder that keeps what was fetched: $SCHLOSS_CACHE, or .cache
// in the project's folder, which git ignores.
func Cache() (string, error) {
	dir := os.Getenv("SCHLOSS_CACHE")
	if dir == "" {
		root, err := projectRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".cache")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// projectRoot is the nearest folder upwards that holds go.mod.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("find the project's folder: no go.mod above the working folder")
		}
		dir = parent
	}
}

// Jars is the class path of a release, fetched at the first call.
func Jars(version string) (string, error) {
	parts, ok := releases[version]
	if !ok {
		return "", fmt.Errorf("no class path is written down for Apache Kafka %s", version)
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "kafka-"+version)
	classPath := filepath.Join(dir, "*")
	done := filepath.Join(dir, ".done") // holds what was fetched, which a newer list may exceed
	text := []byte(pomOf(parts))
	if fetched, err := os.ReadFile(done); err == nil && bytes.Equal(fetched, text) {
		return classPath, nil
	}
	pom := filepath.Join(cache, "kafka-"+version+".xml")
	if err := os.WriteFile(pom, text, 0o644); err != nil {
		return "", err
	}
	cmd := exec.Command("mvn", "-q", "-B", "-f", pom, "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", "-DoutputDirectory="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch Apache Kafka %s with Maven: %w\n%s", version, err, out)
	}
	return classPath, os.WriteFile(done, text, 0o644)
}

func pomOf(parts []coordinate) string {
	var b strings.Builder
	b.WriteString(`<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>` +
		`<groupId>peers</groupId><artifactId>peers</artifactId><version>1</version><dependencies>`)
	for _, p := range parts {
		fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>",
			p.group, p.artifact, p.version)
	}
	b.WriteString("</dependencies></project>\n")
	return b.String()
}
