package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// relaxed has this test binary relax as a command would, and tell its slack.
const relaxed = "SCHLOSS_TEST_RELAX"

func TestMain(m *testing.M) {
	if os.Getenv(relaxed) != "" {
		relax(os.Args)
		now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		fmt.Println(os.Getpid(), now, err, strings.Join(os.Args, " "))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRelax(t *testing.T) {
	usual, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Skipf("no timer slack here: %v", err)
	}
	for name, tt := range map[string]struct {
		args []string
		want int
	}{
		"the script":     {[]string{"bin/kafka-mirror-maker.sh", "--include", "a b"}, slack},
		"the tool":       {[]string{"kafka-mirror-maker"}, slack},
		"the first word": {[]string{"schloss", "kafka-mirror-maker", "--help"}, slack},
		"another tool":   {[]string{"kafka-topics.sh", "kafka-mirror-maker"}, usual},
		"another word":   {[]string{"schloss", "broker"}, usual},
		"no word":        {[]string{"schloss"}, usual},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Args, cmd.Env = tt.args, append(os.Environ(), relaxed+"=1")
			out, err := cmd.Output()
			if want := fmt.Sprintln(cmd.Process.Pid, max(tt.want, usual), error(nil), strings.Join(tt.args, " ")); err != nil || string(out) != want {
				t.Errorf("got %s, %v, want %s", out, err, want)
			}
		})
	}
}
