package peers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used so far.
type Usage struct {
	CPU     time.Duration // user and system
	RSS     int64         // resident bytes now
	PeakRSS int64         // the largest resident size so far
}

// UsageOf reads a process's figures from the kernel's process table (Linux).
func UsageOf(pid int) (Usage, error) {
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The command name in parentheses may hold blanks; fields count after it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return u, fmt.Errorf("read the CPU time of process %d: short line", pid)
	}
	for _, f := range fields[11:13] {
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return u, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		u.CPU += time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on Linux
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch {
		case err != nil:
		case name == "VmRSS":
			u.RSS = kb << 10
		case name == "VmHWM":
			u.PeakRSS = kb << 10
		}
	}
	return u, nil
}
