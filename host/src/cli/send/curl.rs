//! A request as a call of curl.

use crate::signature::Draft;

/// The command, in lines, with every argument quoted for a POSIX shell.
pub(super) fn command(url: &str, draft: &Draft) -> String {
    let mut lines = vec![format!("curl --request {} {}", draft.method, quoted(url.as_bytes()))];
    if draft.method == "HEAD" {
        lines[0] = format!("curl --head {}", quoted(url.as_bytes()));
    }
    for (name, value) in draft.headers.iter() {
        lines.push(format!("  --header {}", quoted(&[name.as_bytes(), b": ", value].concat())));
    }
    if !draft.body.bytes().is_empty() {
        lines.push(format!("  --data-binary {}", quoted(draft.body.bytes())));
    }
    format!("{}\n", lines.join(" \\\n"))
}

/// Samples are texts; what is none would not survive a terminal either way.
fn quoted(bytes: &[u8]) -> String {
    format!("'{}'", String::from_utf8_lossy(bytes).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_shell_reads_it_as_it_is() {
        let mut draft = Draft::post(Bytes::from_static(b"{\"a\": \"it's\"}").into());
        draft.headers.set("X-A", "b c").unwrap();
        let expected = "curl --request POST 'http://h/?a=1&b' \\\n  --header 'x-a: b c' \\\n  \
                        --data-binary '{\"a\": \"it'\\''s\"}'\n";
        assert_eq!(command("http://h/?a=1&b", &draft), expected);
        draft.method = "HEAD".to_owned();
        draft.body = Bytes::new().into();
        assert_eq!(command("http://h/", &draft), "curl --head 'http://h/' \\\n  --header 'x-a: b c'\n");
    }
}
