package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"testing"
)

// put creates or opens name and writes content at an offset.
func put(t *testing.T, fsys FS, name, content string, at int64) File {
	t.Helper()
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = fsys.Create(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(content), at); err != nil {
		t.Fatal(err)
	}
	return f
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, fsys FS, name, want string) {
	t.Helper()
	got, err := ReadFile(fsys, name)
	if err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
	}
}

func wantNames(t *testing.T, fsys FS, dir string, want ...string) {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", dir, got, want)
	}
}

func TestFakeLosesWhatIsNotSynced(t *testing.T) {
	f := NewFake(1)
	a := put(t, f, "/a", "synced", 0)
	must(t, a.Sync(), f.SyncDir("/"))
	put(t, f, "/a", " and not", 6)
	put(t, f, "/b", "no name", 0)
	must(t, f.Rename("/a", "/c"))
	wantFile(t, f, "/c", "synced and not")
	f.Crash()
	if _, err := f.Open("/a"); !errors.Is(err, ErrCrashed) {
		t.Errorf("open without power: got %v, want %v", err, ErrCrashed)
	}
	f.Restart(KeepNothing)
	wantNames(t, f, "/", "a")
	wantFile(t, f, "/a", "synced")
	if _, err := a.WriteAt([]byte("x"), 0); !errors.Is(err, ErrCrashed) {
		t.Errorf("write to a file of before the crash: got %v, want %v", err, ErrCrashed)
	}
}

func TestFakeKeepsAllOfAKilledProcess(t *testing.T) {
	f := NewFake(1)
	put(t, f, "/a", "not synced", 0)
	f.Crash()
	f.Restart(KeepAll)
	wantFile(t, f, "/a", "not synced")
	f.Crash()
	f.Restart(KeepNothing)
	wantNames(t, f, "/")
}

// TestFakeTears looks whether every kind of torn write comes up.
func TestFakeTears(t *testing.T) {
	old, long := bytes.Repeat([]byte("o"), 700), bytes.Repeat([]byte("n"), 2000)
	var nothing, all, hole, short bool
	for seed := range uint64(200) {
		f := NewFake(seed)
		a := put(t, f, "/a", string(old), 0)
		must(t, a.Sync(), f.SyncDir("/"))
		put(t, f, "/a", string(long), 700)
		f.Crash()
		f.Restart(KeepSome)
		got, err := ReadFile(f, "/a")
		if err != nil || !bytes.HasPrefix(got, old) {
			t.Fatalf("seed %d: synced bytes are gone: %v", seed, err)
		}
		tail := got[700:]
		if len(bytes.Trim(tail, "n\x00")) > 0 {
			t.Fatalf("seed %d: got %q, want what was written or zeros", seed, tail)
		}
		nothing = nothing || len(tail) == 0
		all = all || bytes.Equal(tail, long)
		short = short || len(tail) > 0 && len(tail) < len(long)
		hole = hole || bytes.Contains(tail, []byte("\x00n"))
	}
	if !nothing || !all || !hole || !short {
		t.Errorf("nothing survived %v, all %v, a hole came up %v, a cut %v; want each", nothing, all, hole, short)
	}
}

func TestFakeCountsAndFails(t *testing.T) {
	broken := errors.New("broken")
	f := NewFake(1)
	a := put(t, f, "/a", "1234", 0) // operations 1 and 2
	f.FailAt(f.Ops()+1, broken)
	if n, err := a.WriteAt([]byte("5678"), 4); n != 2 || !errors.Is(err, broken) {
		t.Errorf("failing write: got %d, %v, want 2, %v", n, err, broken)
	}
	f.FailAt(f.Ops()+1, broken)
	if err := a.Sync(); !errors.Is(err, broken) {
		t.Errorf("failing sync: got %v, want %v", err, broken)
	}
	must(t, a.Sync(), f.SyncDir("/")) // the second sync succeeds and syncs nothing
	wantFile(t, f, "/a", "123456")
	must(t, a.DropCache())
	wantFile(t, f, "/a", "")
	if f.Ops() != 6 {
		t.Errorf("operations: got %d, want 6", f.Ops())
	}
	f.CrashAt(7)
	if err := f.Remove("/a"); !errors.Is(err, ErrCrashed) || !f.Crashed() {
		t.Errorf("got %v, want the crash", err)
	}
}

// TestSame runs the same operations on both file systems.
func TestSame(t *testing.T) {
	for name, fsys := range map[string]FS{"os": OS(), "fake": NewFake(1)} {
		t.Run(name, func(t *testing.T) {
			dir := "/d"
			if name == "os" {
				dir = t.TempDir() + "/d"
			}
			must(t, fsys.Mkdir(dir), fsys.Mkdir(dir))
			f := put(t, fsys, dir+"/a", "hello", 2)
			must(t, f.Sync(), f.DropCache())
			wantFile(t, fsys, dir+"/a", "\x00\x00hello")
			must(t, f.Truncate(4))
			if size, err := f.Size(); size != 4 || err != nil {
				t.Errorf("size: got %d, %v, want 4", size, err)
			}
			must(t, f.Close(), WriteFile(fsys, dir+"/b", []byte("new")), fsys.Rename(dir+"/b", dir+"/a"))
			wantFile(t, fsys, dir+"/a", "new")
			if err := fsys.Mkdir(dir + "/a"); !errors.Is(err, fs.ErrExist) {
				t.Errorf("mkdir over a file: got %v, want %v", err, fs.ErrExist)
			}
			if err := fsys.Remove(dir); err == nil {
				t.Error("removed a directory that is not empty")
			}
			if total, usable, err := fsys.Space(dir); err != nil || usable <= 0 || total < usable {
				t.Errorf("space: got %d of %d, %v", usable, total, err)
			}
			lock, err := fsys.Lock(dir + "/.lock")
			must(t, err)
			var locked *LockedError
			if _, err := fsys.Lock(dir + "/.lock"); !errors.As(err, &locked) || locked.Holder == 0 {
				t.Errorf("lock twice: got %v, want the holder", err)
			}
			must(t, lock.Close())
			lock, err = fsys.Lock(dir + "/.lock")
			must(t, err, lock.Close())
			wantNames(t, fsys, dir, ".lock", "a")
			must(t, fsys.Remove(dir+"/a"), fsys.Remove(dir+"/.lock"), fsys.SyncDir(dir), fsys.Remove(dir))
			_, openErr := fsys.Open(dir + "/a")
			_, listErr := fsys.ReadDir(dir)
			_, _, spaceErr := fsys.Space(dir + "/a")
			for _, err := range []error{openErr, listErr, spaceErr, fsys.Rename(dir+"/a", dir+"/b"), fsys.Remove(dir)} {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("got %v, want %v", err, fs.ErrNotExist)
				}
			}
		})
	}
}
