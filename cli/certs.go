package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"schloss/kafka/config"
	"schloss/security/ca"
	"schloss/security/keystore"
	"schloss/security/principal"
)

func certsCommand(s *session) *cobra.Command {
	c := &cobra.Command{
		Use: "certs", Short: "Make certificates and the stores that hold them", RunE: group, Args: cobra.ArbitraryArgs,
	}
	c.AddCommand(certsCreateCommand(s), certsIssueCommand(s))
	return c
}

// certFlags are the flags that create and issue share.
type certFlags struct {
	dir, dname, password string
	hosts                []string
	days                 int
	replace              bool
}

func (f *certFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.dir, "dir", "", "the folder of the certificates")
	flags.StringVar(&f.dname, "dname", "", "the distinguished `NAME`, as for keytool")
	flags.StringVar(&f.password, "password", "", "of all stores and of ca-key; asked for on a terminal")
	flags.StringSliceVar(&f.hosts, "host", []string{"localhost", "127.0.0.1"}, "`NAMES` it is good for")
	flags.IntVar(&f.days, "days", 365, "how long it is good")
	flags.BoolVar(&f.replace, "replace", false, "overwrite what is there")
}

// check refuses values that no certificate could have.
func (f *certFlags) check() error {
	if _, err := principal.DNFromText(f.dname); err != nil {
		return &usageError{problem: err.Error(), advice: `write it as keytool does: --dname "CN=Xi Hu, OU=YourDept, C=CN"`}
	}
	if f.days < 1 {
		return &usageError{problem: fmt.Sprintf("--days %d is no validity", f.days), advice: "give a number above zero: --days 365"}
	}
	return nil
}

func certsCreateCommand(s *session) *cobra.Command {
	var f certFlags
	c := &cobra.Command{
		Use: "create", Short: "Make an authority, and stores for server and client", Args: noWords,
		Example: "  schloss certs create --dir certificates --password test1234 \\\n    --dname \"CN=Xi Hu, OU=YourDept, O=YourCompany, L=Beijing, ST=Beijing, C=CN\"",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needed(c, "dir", "dname"); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			password, err := s.password(f.password, "")
			if err != nil {
				return err
			}
			made, err := ca.CreateAll(ca.CreateParams{Dir: f.dir, DName: f.dname, Password: password, Hosts: f.hosts, Days: f.days, Replace: f.replace, Now: time.Now()})
			if err != nil {
				return err
			}
			path := filepath.Join(f.dir, "client.properties")
			if err := writeClientProperties(path, f.dir, "client", password, f.replace); err != nil {
				return err
			}
			for _, m := range made {
				s.printMade(m)
			}
			fmt.Fprintf(s.Out, "settings of the client: %s\n\n", path)
			principal := made[0].Principal
			fmt.Fprintf(s.Out, "Before the broker's first start, let it act on the cluster:\n  bin/kafka-acls.sh --authorizer-properties zookeeper.connect=localhost:2181 --add --allow-principal %s --operation All --cluster\n", quoted(principal))
			return nil
		},
	}
	f.register(c)
	return c
}

func certsIssueCommand(s *session) *cobra.Command {
	var f certFlags
	var name string
	c := &cobra.Command{
		Use: "issue", Short: "Add a principal under an authority made by create", Args: noWords,
		Example: "  schloss certs issue --dir certificates --name reader \\\n    --dname \"CN=reader, O=YourCompany, C=CN\"",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needed(c, "dir", "name", "dname"); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			password, err := s.password(f.password, filepath.Join(f.dir, "client.properties"))
			if err != nil {
				return err
			}
			made, err := ca.IssueNamed(ca.IssueParams{Dir: f.dir, Name: name, DName: f.dname, Password: password, Hosts: f.hosts, Days: f.days, Replace: f.replace, Now: time.Now()})
			if err != nil {
				return err
			}
			path := filepath.Join(f.dir, name+".properties")
			if err := writeClientProperties(path, f.dir, name, password, f.replace); err != nil {
				return err
			}
			s.printMade(made)
			fmt.Fprintf(s.Out, "settings of the client: %s\n\n", path)
			fmt.Fprintf(s.Out, "It may do nothing yet. To let it read a topic, for example:\n  bin/kafka-acls.sh --bootstrap-server HOST:PORT --command-config FILE --add --allow-principal %s --consumer --topic 'test' --group '*'\n", quoted(made.Principal))
			return nil
		},
	}
	f.register(c)
	c.Flags().StringVar(&name, "name", "", "of the files: `NAME`.keystore.jks and its like")
	return c
}

func (s *session) printMade(m ca.Made) {
	who := m.Principal
	if who == "" {
		who = "the authority that signs the others"
	}
	fmt.Fprintf(s.Out, "%s: %s\n  good until %s\n", m.Name, who, m.NotAfter.Format(time.DateOnly))
	for _, file := range m.Files {
		fmt.Fprintf(s.Out, "  %s\n", file)
	}
}

// What keytool takes at least.
const shortestPassword = 6

// password is the one given, or the one that create left in the client's
// settings, or what the user types.
func (s *session) password(given, file string) (config.Secret, error) {
	if given != "" {
		if len(given) < shortestPassword {
			return "", &usageError{problem: "the password is too short", advice: fmt.Sprintf("give --password at least %d characters, as keytool wants it", shortestPassword)}
		}
		return config.Secret(given), nil
	}
	if file != "" {
		if p, err := config.ReadFile(file); err == nil {
			if text, ok := p.Get("ssl.keystore.password"); ok {
				return config.Secret(text), nil
			}
		}
	}
	in, ok := s.In.(*os.File)
	if !ok || !terminal(in) {
		return "", &usageError{problem: "--password is needed", advice: "add --password PASSWORD, of at least six characters"}
	}
	fmt.Fprint(s.IO.Err, "Password of the stores: ")
	typed, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(s.IO.Err)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return config.Secret(typed), nil
}

// writeClientProperties writes the settings with which a client uses the
// stores of that name. Its paths are absolute, since Java reads them from
// where it is started. The file holds the password, hence nobody else may
// read it.
func writeClientProperties(path, dir, name string, password config.Secret, replace bool) error {
	lines, err := clientSettings(dir, name, password)
	if err != nil {
		return err
	}
	if err := keystore.WriteFile(path, propertiesText(lines), 0o600, replace); err != nil {
		return fmt.Errorf("write the settings of %s: %w", name, err)
	}
	return nil
}

func clientSettings(dir, name string, password config.Secret) ([][2]string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return [][2]string{
		{"security.protocol", "SSL"},
		{"ssl.truststore.location", filepath.Join(abs, name+".truststore.jks")},
		{"ssl.truststore.password", password.Reveal()},
		{"ssl.keystore.location", filepath.Join(abs, name+".keystore.jks")},
		{"ssl.keystore.password", password.Reveal()},
		{"ssl.key.password", password.Reveal()},
	}, nil
}

// propertiesText writes settings in Java's form.
func propertiesText(lines [][2]string) []byte {
	var b strings.Builder
	for _, kv := range lines {
		b.WriteString(kv[0] + "=")
		for i, r := range kv[1] {
			switch {
			case r == '\\' || r == ' ' && i == 0:
				b.WriteString("\\" + string(r))
			case r == '\n':
				b.WriteString(`\n`)
			case r == '\r':
				b.WriteString(`\r`)
			case r == '\t':
				b.WriteString(`\t`)
			case r < ' ' || r > '~' && r <= 0xffff:
				fmt.Fprintf(&b, `\u%04X`, r)
			default:
				b.WriteRune(r)
			}
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}
