//! [`node`]: what this process is called where others are told that it synchronises a target: machine and process.

/// The most characters of a machine's name.
const LONGEST: usize = 64;

/// The name of the machine and the id of this process, `host:4711`.
pub(super) fn node() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let host = files.iter().find_map(|file| Some(plain(&std::fs::read_to_string(file).ok()?)));
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| "unknown".to_owned());
    format!("{host}:{}", std::process::id())
}

/// It goes into messages and into the store: nothing but what names of hosts are made of.
fn plain(host: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    host.trim().chars().take(LONGEST).map(|letter| if fits(letter) { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_steers_nothing() {
        assert_eq!(plain("sso1.example.co.jp\n"), "sso1.example.co.jp");
        assert_eq!(plain("a:b\u{1b}[31m\nc 社\n"), "a-b--31m-c--");
        assert_eq!(plain(&"x".repeat(300)).len(), LONGEST);
        assert_eq!(plain(" \n"), "");
    }

    #[test]
    fn a_node_is_the_machine_and_this_process() {
        let node = node();
        let (host, process) = node.split_once(':').unwrap();
        assert!(!host.is_empty());
        assert_eq!(process, std::process::id().to_string());
    }
}
