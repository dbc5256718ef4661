//! The netrc file: passwords by host, as the go command reads them.
//!
//! Ours rather than a library's: the go command takes the first entry that matches and knows neither quotes nor
//! backslashes (`go help goauth`), so that a file it understands means the same here.

mod file;

pub use file::NetrcFile;

use crate::credentials::Credentials;
use std::fmt;
use url::Url;

/// The entries of a netrc file, in its order; the first that matches holds.
#[derive(Clone, Default)]
pub struct Netrc {
    machines: Vec<(String, Credentials)>,
    default: Option<Credentials>,
}

impl Netrc {
    /// Reads a file's text. What is not understood is passed over, as `ftp` always did: no netrc is malformed.
    pub fn parse(text: &str) -> Self {
        let mut netrc = Self::default();
        let mut entry = Entry::default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    comment if comment.starts_with('#') => break,
                    "default" => {
                        entry = Entry {
                            machine: Some(None),
                            ..Entry::default()
                        }
                    }
                    "machine" => {
                        entry = Entry {
                            machine: Some(words.next()),
                            ..Entry::default()
                        }
                    }
                    "login" => entry.login = words.next(),
                    "password" => entry.password = words.next(),
                    "macdef" => {
                        // A macro ends with an empty line, whatever words it holds.
                        lines.by_ref().find(|line| line.is_empty());
                        break;
                    }
                    _ => _ = words.next(),
                }
                if let Entry {
                    machine: Some(machine),
                    login: Some(login),
                    password: Some(password),
                } = entry
                {
                    netrc.keep(machine, Credentials::basic(login, password));
                    entry = Entry::default();
                }
            }
        }
        netrc
    }

    /// The credentials for an address. A machine is a host name, with or without the port.
    pub(crate) fn for_machine(&self, url: &Url) -> Option<&Credentials> {
        let host = url.host_str()?;
        let port = url.port_or_known_default()?;
        let is_it = |machine: &str| {
            machine.eq_ignore_ascii_case(host)
                || machine.rsplit_once(':').is_some_and(|(name, number)| {
                    name.eq_ignore_ascii_case(host) && number == port.to_string()
                })
        };
        self.machines
            .iter()
            .find(|(machine, _)| is_it(machine))
            .map(|(_, credentials)| credentials)
    }

    /// The credentials for every other host that the configuration names.
    pub(crate) fn default_entry(&self) -> Option<&Credentials> {
        self.default.as_ref()
    }

    fn keep(&mut self, machine: Option<&str>, credentials: Credentials) {
        match machine {
            Some(machine) => self.machines.push((machine.to_owned(), credentials)),
            None => _ = self.default.get_or_insert(credentials),
        }
    }
}

/// An entry as far as it was read; `Some(None)` is the machine of `default`.
#[derive(Default)]
struct Entry<'a> {
    machine: Option<Option<&'a str>>,
    login: Option<&'a str>,
    password: Option<&'a str>,
}

impl fmt::Debug for Netrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Netrc")
            .field("machines", &self.machines.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(netrc: &str, url: &str) -> Option<String> {
        let netrc = Netrc::parse(netrc);
        let url = Url::parse(url).unwrap();
        let credentials = netrc.for_machine(&url).or(netrc.default_entry())?;
        credentials.header().to_str().ok().map(str::to_owned)
    }

    fn basic(user: &str, password: &str) -> Option<String> {
        Credentials::basic(user, password)
            .header()
            .to_str()
            .ok()
            .map(str::to_owned)
    }

    #[test]
    fn the_first_entry_that_matches_holds() {
        let netrc = "machine a.test login one password 1\nmachine a.test login two password 2\n";
        assert_eq!(sent(netrc, "https://a.test/x"), basic("one", "1"));
        assert_eq!(sent(netrc, "https://sub.a.test/x"), None);
    }

    #[test]
    fn a_machine_may_name_its_port() {
        let netrc = "machine a.test:8443 login one password 1\nmachine a.test login two password 2\n";
        assert_eq!(sent(netrc, "https://a.test:8443/"), basic("one", "1"));
        assert_eq!(sent(netrc, "https://a.test/"), basic("two", "2"));
        assert_eq!(
            sent("machine a.test:443 login u password p", "https://A.test/"),
            basic("u", "p")
        );
    }

    #[test]
    fn the_default_entry_comes_last_wherever_it_stands() {
        let netrc = "default login any password 0\nmachine a.test login one password 1\n";
        assert_eq!(sent(netrc, "https://a.test/"), basic("one", "1"));
        assert_eq!(sent(netrc, "https://b.test/"), basic("any", "0"));
    }

    #[test]
    fn passwords_are_taken_as_they_stand() {
        let netrc =
            "machine a.test\n\tlogin user\n\tpassword a\\b\"c#d\n# machine b.test login x password y\n";
        assert_eq!(sent(netrc, "https://a.test/"), basic("user", "a\\b\"c#d"));
        assert_eq!(sent(netrc, "https://b.test/"), None);
        assert_eq!(
            sent("machine a.test login u password #hash", "https://a.test/"),
            basic("u", "#hash")
        );
    }

    #[test]
    fn macros_and_halves_are_passed_over() {
        let netrc = "machine a.test login u\nmacdef init\nmachine a.test login x password y\n\n\
                     machine b.test account z login u password p\nmachine";
        assert_eq!(sent(netrc, "https://a.test/"), None);
        assert_eq!(sent(netrc, "https://b.test/"), basic("u", "p"));
        let half = "machine a.test login u\nmachine b.test password p\n";
        assert_eq!(
            (sent(half, "https://a.test/"), sent(half, "https://b.test/")),
            (None, None)
        );
    }

    #[test]
    fn nothing_of_it_prints() {
        assert!(!format!("{:?}", Netrc::parse("machine a.test login u password canary")).contains("canary"));
    }
}
