//! Who listens on a port.

use std::fmt;

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Program name.
    pub name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

/// The process that listens on a TCP port of this machine, where the system lets us see it.
pub fn of_port(port: u16) -> Option<Holder> {
    imp::of_port(port)
}

#[cfg(target_os = "linux")]
mod imp {
    use super::Holder;
    use std::fs;

    /// State `LISTEN` in /proc/net/tcp.
    const LISTEN: &str = "0A";

    pub(super) fn of_port(port: u16) -> Option<Holder> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|path| fs::read_to_string(path).ok());
        let sockets: Vec<String> = tables.flat_map(|table| listening(&table, port)).collect();
        let links: Vec<String> = sockets.iter().map(|inode| format!("socket:[{inode}]")).collect();
        if links.is_empty() {
            return None;
        }
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let mut files = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
            let holds = files.any(|file| {
                fs::read_link(file.path())
                    .is_ok_and(|link| links.iter().any(|wanted| link.as_os_str() == wanted.as_str()))
            });
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default().trim().to_owned();
            holds.then_some(Holder { pid, name })
        })
    }

    /// Inodes of the sockets that listen on the port, from a table of /proc/net.
    pub(super) fn listening(table: &str, port: u16) -> Vec<String> {
        let suffix = format!(":{port:04X}");
        let rows = table.lines().skip(1).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
        rows.filter(|row| row.len() > 9 && row[1].ends_with(&suffix) && row[3] == LISTEN)
            .map(|row| row[9].to_owned())
            .collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::Holder;

    pub(super) fn of_port(_port: u16) -> Option<Holder> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(of_port(port).unwrap().pid, std::process::id());
        drop(listener);
        assert_eq!(of_port(port), None);
    }
}
