//! Words that no file may hold.

use super::Finding;
use super::tree::Tree;

/// Hosts of package registries: a build takes packages by name, from whatever registry or mirror
/// the machine is set up for. Spelled in halves, or this file would fail.
const HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("py", "pi.org"),
    concat!("pythonhosted", ".org"),
    concat!("deb.", "debian.org"),
];

/// Written by cargo, which names sources in it.
const EXEMPT: &str = "Cargo.lock";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| !path.ends_with(EXEMPT)) {
        for (number, line) in (1..).zip(text.lines()) {
            for host in HOSTS.iter().filter(|host| line.contains(**host)) {
                let message = format!("names the registry host {host}; name the package instead");
                findings.push(Finding::error(path, message).at(number));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_host_fails_anywhere_but_in_the_lock_file() {
        let text = format!("one\nfetch https://{}/x\n", HOSTS[0]);
        let tree = Tree::of(&[
            (".ci/run", text.as_str()),
            ("benches/peers/Cargo.lock", &text),
        ]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!((&*findings[0].path, findings[0].line), (".ci/run", Some(2)));
    }
}
