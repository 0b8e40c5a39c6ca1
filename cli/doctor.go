package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"schloss/client/doctor"
	"schloss/kafka/config"
)

func doctorCommand(s *session) *cobra.Command {
	var f clusterFlags
	var tasks []string
	var explain string
	c := &cobra.Command{
		Use: "doctor [HOST:PORT[,HOST:PORT]]", Short: "Walk a client's way to its cluster, and say what is wrong",
		Long: "Walk a client's way to its cluster: settings, stores, DNS, TCP, TLS, the broker's\ncertificate, our own, the protocol, the addresses that brokers advertise, and the\n" +
			"rights for a task. Each step is a line with what was seen; what is wrong has a\ncode, which --explain and schloss help CODE explain. Nothing is changed.\n\n" +
			"Exit code 0 when all is well, " + fmt.Sprint(exitCheck) + " when a step went wrong.",
		Example: "  schloss doctor localhost:9093 --command-config client.properties\n  schloss doctor localhost:9093 --command-config client.properties \\\n    --as produce:orders --as consume:orders:billing\n  schloss doctor --explain SL-TLS-03",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{problem: fmt.Sprintf("unexpected word %q", args[1]), advice: "separate servers by commas alone: schloss doctor " + quotedWord(strings.Join(args, ","))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if explain != "" {
				return s.explain(explain)
			}
			if len(args) == 1 {
				if f.server != "" {
					return &usageError{problem: "the brokers are named twice", advice: "leave --bootstrap-server out: schloss doctor " + quotedWord(args[0])}
				}
				f.server = args[0]
			}
			asked, err := parseTasks(tasks)
			if err != nil {
				return err
			}
			r, err := f.resolve(s, c)
			if err != nil {
				return err
			}
			return r.examine(c.Context(), asked)
		},
	}
	f.register(c.Flags())
	c.Flags().StringArrayVar(&tasks, "as", nil, "ask for the rights of a `TASK`: "+doctor.Forms+"; may be given more than once")
	c.Flags().StringVar(&explain, "explain", "", "say what a `CODE` means, and do nothing else")
	return c
}

func parseTasks(texts []string) ([]doctor.Task, error) {
	var tasks []doctor.Task
	for _, text := range texts {
		task, err := doctor.ParseTask(text)
		if err != nil {
			return nil, &usageError{problem: err.Error(), advice: "write it as --as produce:TOPIC"}
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// examine prints the findings and gives the exit code.
func (r *clusterRun) examine(ctx context.Context, tasks []doctor.Task) error {
	values, err := r.readSettings(r.settings(config.Admin))
	var wrong *usageError
	if errors.As(err, &wrong) {
		return err
	}
	var findings []doctor.Finding
	if err != nil { // a file that cannot be read is a finding as any other
		code := doctor.CodeOf(err)
		if code == "" {
			code = doctor.BadSettings
		}
		findings = []doctor.Finding{{Step: "settings", About: r.flags.file, Status: doctor.Bad, Code: code, Evidence: err.Error(), Err: err}}
	} else {
		findings = doctor.Examine(ctx, doctor.Config{Values: values, Tasks: tasks, Tool: r.beside("kafka-acls"), Now: time.Now})
	}
	if ctx.Err() != nil {
		return interruption(ctx)
	}
	for i := range findings {
		if f := &findings[i]; f.Cure == "" && f.Err != nil {
			f.Cure = r.hintFor(f.Err)
		}
	}
	if err := r.printFindings(findings); err != nil {
		return err
	}
	if doctor.Passed(findings) {
		return nil
	}
	for _, f := range findings {
		if f.Status == doctor.Bad && f.Code != "" {
			r.hint("more about the first that went wrong: schloss help " + string(f.Code))
			break
		}
	}
	return &exitError{code: exitCheck, quiet: true}
}

func (r *clusterRun) printFindings(findings []doctor.Finding) error {
	if r.form != tableForm {
		t := &table{}
		for _, f := range findings {
			t.add(string(f.Status), string(f.Code), f.Step, oneLine(f.About), oneLine(f.Evidence), oneLine(f.Cure)) // a peer's words are in it
		}
		return r.print(struct {
			Passed   bool             `json:"passed"`
			Findings []doctor.Finding `json:"findings"`
		}{doctor.Passed(findings), findings}, t)
	}
	var b strings.Builder
	const indent = 19 // of what stands in the last column
	for _, f := range findings {
		text := f.About + ": " + f.Evidence
		if f.Code != "" {
			text += " (" + string(f.Code) + ")"
		}
		fmt.Fprintf(&b, "%-4s  %-11s  %s\n", f.Status, f.Step, oneLine(text))
		if f.Status != doctor.OK && f.Cure != "" {
			fmt.Fprintf(&b, "%*s%s\n", indent, "", "try: "+oneLine(f.Cure))
		}
	}
	_, err := fmt.Fprint(r.Out, b.String())
	return err
}

// explain prints what a code means.
func (s *session) explain(code string) error {
	entry, ok := doctor.Explain(doctor.Code(strings.ToUpper(code)))
	if !ok {
		var known []string
		for _, e := range doctor.Entries {
			known = append(known, string(e.Code))
		}
		e := &usageError{problem: fmt.Sprintf("there is no code %s", code), advice: "the codes are " + strings.Join(known, ", ")}
		if near, ok := config.Nearest(strings.ToUpper(code), known); ok {
			e.advice = "did you mean " + near + "?"
		}
		return e
	}
	_, err := fmt.Fprintln(s.Out, explanation(entry))
	return err
}

// explanation is the text of a code, within 80 columns.
func explanation(e doctor.Entry) string {
	lines := []string{fmt.Sprintf("%s: %s", e.Code, e.Title), ""}
	lines = append(lines, wrap("Cause: "+e.Cause, 80)...)
	lines = append(append(lines, ""), wrap("Cure: "+e.Cure, 80)...)
	return strings.Join(lines, "\n")
}

// codeTopics are the pages of "schloss help CODE", which no list shows: there
// are many, and each is named where it is met.
func codeTopics() []*cobra.Command {
	var topics []*cobra.Command
	for _, e := range doctor.Entries {
		topics = append(topics, &cobra.Command{
			Use: string(e.Code), Aliases: []string{strings.ToLower(string(e.Code))}, Short: e.Title, Long: explanation(e), Hidden: true,
		})
	}
	return topics
}
