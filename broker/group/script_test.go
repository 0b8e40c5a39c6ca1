package group

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"schloss/kafka"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts in testdata print as what they should print")

// TestScripts runs testdata/*.txt. A script is a list of blocks: one command,
// a line "----", and what happens, up to an empty line. Lines that begin with
// # are remarks. Clients are named by a word; what they learn of their member
// id and generation they say again in later commands.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("scripts: %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			in, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(in))
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(in) {
				t.Errorf("%s: run with -rewrite and look at the difference; got:\n%s", path, got)
			}
		})
	}
}

func runScript(t *testing.T, in string) string {
	s := &script{harness: newHarness(t), clients: make(map[string]*client)}
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(in), "\n\n") {
		command, _, _ := strings.Cut(block, "----\n")
		command = strings.TrimSuffix(command, "----")
		if out.Len() > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(strings.TrimRight(command, "\n") + "\n")
		lines := strings.Split(strings.TrimSpace(command), "\n")
		if line := lines[len(lines)-1]; !strings.HasPrefix(line, "#") {
			s.out = nil
			s.do(strings.Fields(line))
			out.WriteString("----\n")
			for _, l := range s.out {
				out.WriteString(l + "\n")
			}
		}
	}
	return out.String()
}

// client is what a script's client knows.
type client struct {
	member, instance string
	generation       int32
}

type script struct {
	*harness
	clients map[string]*client
	out     []string
}

func (s *script) printf(format string, args ...any) {
	s.out = append(s.out, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// run also shows what is to be written.
func (s *script) run(fx Effects) {
	for _, w := range fx.Writes {
		for _, r := range w.Records {
			s.printf("write %d: %s", w.ID, describeRecord(r))
		}
	}
	s.harness.run(fx)
}

// args are key=value words, or key alone.
type args map[string]string

func parse(words []string) args {
	a := make(args)
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		a[k] = v
	}
	return a
}

func (a args) text(key, fallback string) string {
	if v, ok := a[key]; ok {
		return v
	}
	return fallback
}

func (a args) has(key string) bool { _, ok := a[key]; return ok }

func (s *script) duration(a args, key string, fallback time.Duration) time.Duration {
	if !a.has(key) {
		return fallback
	}
	d, err := time.ParseDuration(a[key])
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *script) number(a args, key string, fallback int64) int64 {
	if !a.has(key) {
		return fallback
	}
	n, err := strconv.ParseInt(a[key], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *script) do(words []string) {
	verb, words := words[0], words[1:]
	name := ""
	if len(words) > 0 {
		name = words[0]
	}
	c := s.clients[name]
	if c == nil {
		c = &client{generation: -1}
	}
	a := parse(words)
	switch verb {
	case "config":
		s.configure(a)
	case "join":
		s.clients[name] = c
		s.join(name, c, a)
	case "sync":
		s.sync(name, c, a)
	case "heartbeat":
		code, fx := s.c.Heartbeat(s.now, HeartbeatRequest{Group: a.text("group", "g"), MemberID: a.text("member", c.member),
			InstanceID: a.text("instance", c.instance), Generation: int32(s.number(a, "generation", int64(c.generation)))})
		s.printf("%s: heartbeat %s", name, code.Error())
		s.run(fx)
	case "leave":
		s.leave(words)
	case "commit":
		s.commit(name, c, words[1:])
	case "offsets":
		for _, o := range s.c.AllCommittedOffsets(a.text("group", "g")) {
			s.printf("%s offset=%d %s", o.Partition, o.Offset, o.Metadata)
		}
	case "describe":
		s.describe(a.text("group", "g"))
	case "list":
		for _, l := range s.c.List() {
			s.printf("%s %s %s", l.Group, l.ProtocolType, l.State)
		}
	case "delete":
		s.run(s.c.Delete(s.now, name, func(code kafka.ErrorCode) { s.printf("delete %s: %s", name, code.Error()) }))
	case "delete-offsets":
		s.deleteOffsets(words)
	case "forget-topic":
		s.run(s.c.ForgetTopics(s.now, func(topic string) bool { return topic == name }))
	default:
		s.time(verb, name, a)
	}
}

// time does the commands about time and the log.
func (s *script) time(verb, name string, a args) {
	switch verb {
	case "tick":
		d, err := time.ParseDuration(name)
		if err != nil {
			s.t.Fatal(err)
		}
		until := s.now.Add(d)
		for due := s.c.Deadline(); !due.After(until); due = s.c.Deadline() {
			s.now = due
			s.run(s.c.Tick(s.now))
		}
		s.now = until
	case "durable":
		for len(s.pending) > 0 {
			s.end(kafka.NoError)
		}
	case "fail":
		for len(s.pending) > 0 {
			s.end(kafka.ErrorCode(s.number(a, "code", int64(kafka.ErrKafkaStorageError))))
		}
	case "restart":
		s.pending = nil
		s.start()
	case "resign":
		s.run(s.c.Resign())
	case "live":
		for o := kafka.Offset(0); o < s.harness.end; o++ {
			if r := s.log[o]; s.c.IsLive(r.Key, o) {
				s.printf("%d: %s", o, describeRecord(r))
			}
		}
	default:
		s.t.Fatalf("unknown command %q", verb)
	}
}

// end is harness.finish with its effects shown.
func (s *script) end(code kafka.ErrorCode) {
	w := s.pending[0]
	s.pending = s.pending[1:]
	base := kafka.NoOffset
	if code == kafka.NoError {
		base = s.harness.end
		for _, r := range w.Records {
			s.log[s.harness.end] = r
			s.harness.end++
		}
	}
	s.run(s.c.Written(s.now, w.ID, base, code))
}

func (s *script) configure(a args) {
	s.cfg.InitialRebalanceDelay = s.duration(a, "initial-delay", s.cfg.InitialRebalanceDelay)
	s.cfg.MaxSize = int(s.number(a, "max-size", int64(s.cfg.MaxSize)))
	s.cfg.MetadataMaxBytes = int(s.number(a, "metadata-max", int64(s.cfg.MetadataMaxBytes)))
	s.start()
}

func (s *script) join(name string, c *client, a args) {
	c.instance = a.text("instance", c.instance)
	r := JoinRequest{
		Group: a.text("group", "g"), MemberID: a.text("member", c.member), InstanceID: c.instance,
		ClientID: name, ClientHost: "/127.0.0.1",
		SessionTimeout: s.duration(a, "session", 10*time.Second), RebalanceTimeout: s.duration(a, "rebalance", 60*time.Second),
		ProtocolType: a.text("type", "consumer"), RequireMemberID: a.has("require-id"), SkipAssignment: a.has("knows-skip"),
	}
	for _, p := range strings.Split(a.text("protocols", "range:"+name), ",") {
		n, metadata, _ := strings.Cut(p, ":")
		if topics, ok := strings.CutPrefix(metadata, "reads/"); ok { // a subscription as consumers write it
			metadata = string(subscription(strings.Split(topics, "/")...))
		}
		r.Protocols = append(r.Protocols, Protocol{Name: n, Metadata: []byte(metadata)})
	}
	s.run(s.c.Join(s.now, r, func(j JoinResponse) {
		if j.Error != kafka.NoError {
			s.printf("%s: join %s member=%s", name, j.Error.Error(), j.MemberID)
			if j.Error == kafka.ErrMemberIDRequired {
				c.member = j.MemberID
			}
			return
		}
		c.member, c.generation = j.MemberID, j.Generation
		out := fmt.Sprintf("%s: join ok member=%s generation=%d %s/%s leader=%s", name, j.MemberID, j.Generation, j.ProtocolType, j.Protocol, j.Leader)
		if j.SkipAssignment {
			out += " skip"
		}
		for _, m := range j.Members {
			out += fmt.Sprintf(" [%s %s %s]", m.ID, m.InstanceID, readable(m.Metadata))
		}
		s.printf("%s", out)
	}))
}

// sync takes assign=client:what,client:what.
func (s *script) sync(name string, c *client, a args) {
	r := SyncRequest{Group: a.text("group", "g"), MemberID: a.text("member", c.member), InstanceID: c.instance,
		Generation: int32(s.number(a, "generation", int64(c.generation))), ProtocolType: a.text("type", ""), Protocol: a.text("protocol", "")}
	if a.has("assign") {
		for _, pair := range strings.Split(a["assign"], ",") {
			who, what, _ := strings.Cut(pair, ":")
			id := who
			if o := s.clients[who]; o != nil {
				id = o.member
			}
			r.Assignments = append(r.Assignments, Assignment{MemberID: id, Data: []byte(what)})
		}
	}
	s.run(s.c.Sync(s.now, r, func(y SyncResponse) {
		if y.Error != kafka.NoError {
			s.printf("%s: sync %s", name, y.Error.Error())
			return
		}
		s.printf("%s: sync ok %s/%s assignment=%s", name, y.ProtocolType, y.Protocol, y.Assignment)
	}))
}

// leave takes clients, or instance=name.
func (s *script) leave(words []string) {
	r := LeaveRequest{Group: "g"}
	for _, w := range words {
		key, value, found := strings.Cut(w, "=")
		switch {
		case key == "group":
			r.Group = value
		case found:
			r.Members = append(r.Members, Leaver{InstanceID: value})
		case s.clients[w] == nil:
			r.Members = append(r.Members, Leaver{MemberID: w})
		default:
			r.Members = append(r.Members, Leaver{MemberID: s.clients[w].member, InstanceID: s.clients[w].instance})
		}
	}
	answer, fx := s.c.Leave(s.now, r)
	s.printf("leave: %s", answer.Error.Error())
	for i, code := range answer.Members {
		s.printf("  %s: %s", words[i], code.Error())
	}
	s.run(fx)
}

// commit takes partition=offset or partition=offset:metadata.
func (s *script) commit(name string, c *client, words []string) {
	a := parse(words)
	r := CommitRequest{Group: a.text("group", "g"), MemberID: a.text("member", c.member), InstanceID: c.instance,
		Generation: int32(s.number(a, "generation", int64(c.generation))), Retention: s.duration(a, "retention", -1)}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		if slices.Contains([]string{"group", "member", "generation", "retention"}, k) {
			continue
		}
		topic, partition, _ := strings.Cut(k, "-")
		p, err := strconv.Atoi(partition)
		if err != nil {
			s.t.Fatal(err)
		}
		offset, metadata, _ := strings.Cut(v, ":")
		o, err := strconv.ParseInt(offset, 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		r.Offsets = append(r.Offsets, PartitionOffset{Partition: kafka.TopicPartition{Topic: topic, Partition: int32(p)},
			Offset: kafka.Offset(o), LeaderEpoch: kafka.NoEpoch, Metadata: metadata})
	}
	s.run(s.c.Commit(s.now, r, func(cr CommitResponse) {
		out := name + ": commit"
		for i, code := range cr.Errors {
			out += fmt.Sprintf(" %s=%s", r.Offsets[i].Partition, code.Error())
		}
		s.printf("%s", out)
	}))
}

// deleteOffsets takes partitions, and group=name.
func (s *script) deleteOffsets(words []string) {
	group := parse(words).text("group", "g")
	var partitions []kafka.TopicPartition
	for _, w := range words {
		if topic, index, found := strings.Cut(w, "-"); found {
			p, err := strconv.Atoi(index)
			if err != nil {
				s.t.Fatal(err)
			}
			partitions = append(partitions, kafka.TopicPartition{Topic: topic, Partition: int32(p)})
		}
	}
	s.run(s.c.DeleteOffsets(s.now, group, partitions, func(r DeleteOffsetsResponse) {
		out := "delete-offsets " + r.Error.Error()
		for i, code := range r.Partitions {
			out += fmt.Sprintf(" %s=%s", partitions[i], code.Error())
		}
		s.printf("%s", out)
	}))
}

func (s *script) describe(group string) {
	d := s.c.Describe(group)
	s.printf("%s %s %s/%s", d.Error.Error(), d.State, d.ProtocolType, d.Protocol)
	for _, m := range d.Members {
		s.printf("  %s %s %s%s metadata=%s assignment=%s", m.ID, m.InstanceID, m.ClientID, m.ClientHost, m.Metadata, m.Assignment)
	}
}

// subscription is what a consumer says that it reads.
func subscription(topics ...string) []byte {
	out := binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(len(topics)))
	for _, t := range topics {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(t))), t...)
	}
	return append(out, 0xff, 0xff, 0xff, 0xff) // no user data
}

// readable leaves out what a script cannot show.
func readable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, string(b))
}
