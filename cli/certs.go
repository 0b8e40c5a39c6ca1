package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

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
		Example: "  schloss certs create --dir certificates \\\n    --dname \"CN=Xi Hu, O=YourCompany, C=CN\"",
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
			password, err := s.password(f.password)
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
			return s.printMade(path, fmt.Sprintf("Before the broker's first start, let it act on the cluster:\n  %s --authorizer-properties zookeeper.connect=localhost:2181 --add --allow-principal %s --operation All --cluster\n",
				s.beside("kafka-acls"), quoted(made[0].Principal)), made...)
		},
	}
	f.register(c)
	return c
}

// authorityPasswordError is a --password that does not open the authority's key.
type authorityPasswordError struct {
	err error
	dir string
}

func (e *authorityPasswordError) Error() string { return e.err.Error() }
func (e *authorityPasswordError) Unwrap() error { return e.err }
func (e *authorityPasswordError) Hint() string {
	return "give the --password that certs create was given; see it with: grep ssl.key.password " + quotedPath(filepath.Join(e.dir, "client.properties"))
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
			password, err := s.issuePassword(&f)
			if err != nil {
				return err
			}
			made, err := ca.IssueNamed(ca.IssueParams{Dir: f.dir, Name: name, DName: f.dname, Password: password, Hosts: f.hosts, Days: f.days, Replace: f.replace, Now: time.Now()})
			if errors.Is(err, keystore.ErrWrongPassword) || errors.Is(err, keystore.ErrWrongKeyPassword) {
				return &authorityPasswordError{err: err, dir: f.dir}
			}
			if err != nil {
				return err
			}
			path := filepath.Join(f.dir, name+".properties")
			if err := writeClientProperties(path, f.dir, name, password, f.replace); err != nil {
				return err
			}
			return s.printMade(path, fmt.Sprintf("It may do nothing yet. To let it read a topic, for example:\n  %s --authorizer-properties zookeeper.connect=localhost:2181 --add --allow-principal %s --consumer --topic 'test' --group '*'\n",
				s.beside("kafka-acls"), quoted(made.Principal)), made)
		},
	}
	f.register(c)
	c.Flags().StringVar(&name, "name", "", "of the files: `NAME`.keystore.jks and its like")
	return c
}

// printMade tells what was made, and what to do next.
func (s *session) printMade(settings, next string, made ...ca.Made) error {
	var b strings.Builder
	for _, m := range made {
		who := m.Principal
		if who == "" { // the authority is nobody to Kafka
			who = m.Subject
		}
		fmt.Fprintf(&b, "%s: %s\n  good until %s\n", m.Name, who, m.NotAfter.Format(time.DateOnly))
		for _, file := range m.Files {
			fmt.Fprintf(&b, "  %s\n", file)
		}
	}
	fmt.Fprintf(&b, "settings of the client: %s\n\n%s", settings, next)
	_, err := io.WriteString(s.Out, b.String())
	return err
}

// What keytool takes at least.
const shortestPassword = 6

var errShortPassword = &usageError{problem: "the password is too short", advice: fmt.Sprintf("give --password at least %d characters, as keytool wants it", shortestPassword)}

// issuePassword is the one given, or the one that create left, or what the
// user types.
func (s *session) issuePassword(f *certFlags) (config.Secret, error) {
	if f.password == "" {
		left, err := leftPassword(filepath.Join(f.dir, "client.properties"))
		if err != nil || left != "" {
			return left, err
		}
	}
	return s.password(f.password)
}

// leftPassword is the one that create left in the client's settings; none
// where there is no such file.
func leftPassword(file string) (config.Secret, error) {
	p, err := config.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text, _ := p.Get("ssl.keystore.password")
	return config.Secret(text), nil
}

// password is the one given, or what the user types.
func (s *session) password(given string) (config.Secret, error) {
	if given != "" {
		if utf8.RuneCountInString(given) < shortestPassword {
			return "", errShortPassword
		}
		return config.Secret(given), nil
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
	if utf8.RuneCount(typed) < shortestPassword {
		return "", errShortPassword
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
