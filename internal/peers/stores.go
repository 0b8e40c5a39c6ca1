package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The course's password and name; every store, key and certificate has them.
const (
	CoursePassword = "test1234"
	CourseDName    = "CN=Xi Hu, OU=YourDept, O=YourCompany, L=Beijing, ST=Beijing, C=CN"
	CourseCA       = "/C=CN/ST=Beijing/L=Beijing/O=YourCompany/OU=YourDept,CN=Xi Hu"
)

// MakeCourseStores makes the course's four stores and its CA in dir with the
// course's own keytool and openssl commands: PKCS#12 behind .jks, version 1
// leaves without SAN, the CA twice in the chain.
func MakeCourseStores(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const p = CoursePassword
	run := func(program string, args ...string) error {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %v: %w\n%s", program, args, err, out)
		}
		return nil
	}
	sides := []string{"server", "client"}
	for _, s := range sides {
		if err := run("keytool", "-keystore", s+".keystore.jks", "-alias", "kafka-"+s, "-validity", "365", "-genkey",
			"-keyalg", "RSA", "-storepass", p, "-keypass", p, "-dname", CourseDName); err != nil {
			return err
		}
	}
	if err := run("openssl", "req", "-new", "-x509", "-keyout", "ca-key", "-out", "ca-cert", "-days", "365",
		"-passin", "pass:"+p, "-passout", "pass:"+p, "-subj", CourseCA); err != nil {
		return err
	}
	for _, s := range sides {
		steps := [][]string{
			{"keytool", "-keystore", s + ".truststore.jks", "-alias", "CARoot", "-importcert", "-file", "ca-cert", "-storepass", p, "-noprompt"},
			{"keytool", "-keystore", s + ".keystore.jks", "-alias", "kafka-" + s, "-certreq", "-file", s + "-cert-file", "-storepass", p, "-keypass", p, "-noprompt"},
			{"openssl", "x509", "-req", "-CA", "ca-cert", "-CAkey", "ca-key", "-in", s + "-cert-file", "-out", s + "-cert-signed",
				"-days", "365", "-CAcreateserial", "-passin", "pass:" + p},
			{"keytool", "-keystore", s + ".keystore.jks", "-alias", "CARoot", "-import", "-file", "ca-cert", "-storepass", p, "-keypass", p, "-noprompt"},
			{"keytool", "-keystore", s + ".keystore.jks", "-alias", "kafka-" + s, "-import", "-file", s + "-cert-signed", "-storepass", p, "-keypass", p, "-noprompt"},
		}
		for _, step := range steps {
			if err := run(step[0], step[1:]...); err != nil {
				return err
			}
		}
	}
	for _, s := range []string{"ca-cert.srl", "server-cert-file", "server-cert-signed", "client-cert-file", "client-cert-signed"} {
		if err := os.Remove(filepath.Join(dir, s)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
