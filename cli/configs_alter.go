package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"schloss/client"
	"schloss/kafka/config"
)

// configChanges are the settings that --add-config, --add-config-file and
// --delete-config name.
func configChanges(o *options) ([]client.ConfigChange, error) {
	var changes []client.ConfigChange
	if o.has("add-config") {
		pairs, err := bracketedPairs(o.get("add-config"))
		if err != nil {
			return nil, err
		}
		changes = pairs
	}
	if o.has("add-config-file") {
		p, err := config.ReadFile(o.get("add-config-file"))
		if err != nil {
			return nil, err
		}
		for _, key := range p.Keys() {
			value, _ := p.Get(key)
			changes = append(changes, client.ConfigChange{Name: key, Value: value})
		}
		if len(changes) == 0 {
			return nil, usage("%s holds no settings", o.get("add-config-file")).advised("write one key=value a line")
		}
	}
	for _, change := range changes {
		if !configKey.MatchString(change.Name) {
			return nil, usage("Invalid character found for config key: %s", change.Name).advised("a key has letters, digits, '.', '_' and '-'")
		}
	}
	for _, list := range o.all("delete-config") {
		for _, name := range strings.Split(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				changes = append(changes, client.ConfigChange{Name: name, Op: client.DeleteConfig})
			}
		}
	}
	if len(changes) == 0 {
		return nil, usage("no setting is named").advised("write it as --add-config retention.ms=86400000 or --delete-config retention.ms")
	}
	return changes, nil
}

var configKey = regexp.MustCompile(`^[a-zA-Z0-9._-]*$`)

// bracketedPairs splits K=V,K=[V,V]: neither a comma nor an equals sign counts
// where the next bracket closes one (Kafka: ConfigCommand.parseConfigsToBeAdded).
func bracketedPairs(text string) ([]client.ConfigChange, error) {
	const inBrackets = `Invalid entity config: all configs to be added must be in the format "key=val" or  "key=[val1,val2]" to group values which contain commas.`
	words := splitOutside(text, ',')
	for len(words) > 1 && words[len(words)-1] == "" {
		words = words[:len(words)-1]
	}
	latest := map[string]int{}
	var changes []client.ConfigChange
	for _, word := range words {
		pair := splitOutside(word, '=')
		if len(pair) != 2 {
			return nil, usage("requirement failed: %s", inBrackets).advised("write it as --add-config retention.ms=86400000,cleanup.policy=[compact,delete]")
		}
		change := client.ConfigChange{Name: strings.TrimSpace(pair[0]), Value: strings.TrimSpace(noBrackets.Replace(pair[1]))}
		if i, again := latest[change.Name]; again { // the last one counts, as in a properties file
			changes[i] = change
			continue
		}
		latest[change.Name] = len(changes)
		changes = append(changes, change)
	}
	return changes, nil
}

var noBrackets = strings.NewReplacer("[", "", "]", "")

// splitOutside splits at the separators behind which the next bracket, if any,
// is an opening one.
func splitOutside(text string, separator byte) []string {
	var parts []string
	begin := 0
	for i := range len(text) {
		if text[i] != separator {
			continue
		}
		next := strings.IndexAny(text[i:], "[]")
		if next < 0 || text[i+next] == '[' {
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

// alter changes what the entities have: quotas and passwords where they are
// users, clients or addresses, settings of one resource else.
func (r *configRun) alter(ctx context.Context, changes []client.ConfigChange) error {
	first := r.entities[0]
	if first.quota != "" {
		return r.alterQuotas(ctx, changes)
	}
	resource := client.ConfigResource{Type: first.resource, Name: first.text()}
	if first.resource == client.BrokerLoggers {
		if err := r.checkLoggers(ctx, resource, changes); err != nil {
			return err
		}
	}
	return r.admin.AlterConfigs(ctx, resource, changes, false)
}

// checkLoggers refuses loggers that the broker does not have.
func (r *configRun) checkLoggers(ctx context.Context, resource client.ConfigResource, changes []client.ConfigChange) error {
	answers, err := r.admin.DescribeConfigs(ctx, resource)
	if err != nil {
		return err
	}
	if answers[0].Err != nil {
		return answers[0].Err
	}
	var unknown []string
	for _, change := range changes {
		if !slices.ContainsFunc(answers[0].Configs, func(d config.Described) bool { return d.Name == change.Name }) {
			unknown = append(unknown, change.Name)
		}
	}
	if len(unknown) > 0 {
		return &unknownConfigError{problem: "Invalid broker logger(s): " + strings.Join(unknown, ","), see: fmt.Sprintf("--describe --broker-logger %s lists them", resource.Name)}
	}
	return nil
}

// unknownConfigError names settings that are not there to be changed.
type unknownConfigError struct{ problem, see string }

func (e *unknownConfigError) Error() string { return e.problem }

// Hint says where to look.
func (e *unknownConfigError) Hint() string { return e.see }
