package principal

import "testing"

// FuzzParse: principals and super users as settings and commands name them.
func FuzzParse(f *testing.F) {
	f.Add("User:CN=a,O=b;User:c")
	f.Add("User:;:;;")
	f.Add("Group:a:b")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := Parse(text); err == nil {
			if again, err := Parse(p.String()); err != nil || again != p {
				t.Errorf("%q is %v, and that is %v, %v", text, p, again, err)
			}
		}
		_, _ = ParseSupers(text)
	})
}
