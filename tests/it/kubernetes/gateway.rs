//! What lies between this machine and the plane leads to a pod that ended, or answers itself, for a while.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::world::{Server, World, free_node_port};

/// Connections that find nobody behind the gateway after the plane was started anew.
const LOST: usize = 3;
const NOBODY: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn a_plane_that_is_started_anew_is_waited_for_where_it_answers() {
    let world = World::new();
    let token = r#"{"meshery-provider":"None","token":"another"}"#;
    let renewed = Server::start(token);
    let port = gateway(world.endpoint().replace("http://", ""), format!("127.0.0.1:{}", renewed.port));
    world.env.write("home/.meshery/auth.json", token);
    let started = world.start_at(port, &[]);
    assert_eq!(started.code, Some(0), "{started}");
    assert!(started.stderr.contains("starting anew with the new token"), "{started}");
    assert!(started.stderr.contains("waiting for an answer"), "{started}");
}

/// A port that leads to the first server until that refuses a token, then for some connections to nobody, then to the
/// second.
fn gateway(first: String, second: String) -> u16 {
    let port = free_node_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        let mut lost = None;
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let head = head(&mut client);
            let answer = match lost {
                None => answer(&first, &head),
                Some(LOST) => answer(&second, &head),
                Some(_) => NOBODY.to_vec(),
            };
            lost = match lost {
                None => answer.starts_with(b"HTTP/1.1 401").then_some(0),
                Some(count) => Some(LOST.min(count + 1)),
            };
            let _ = client.write_all(&answer);
        }
    });
    port
}

/// The head of a request, which closes its connection.
fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().replacen("\r\n", "\r\nconnection: close\r\n", 1)
}

/// What a server answers; it may not listen yet.
fn answer(server: &str, head: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    let Ok(mut stream) = TcpStream::connect(server) else { return NOBODY.to_vec() };
    stream.write_all(head.as_bytes()).unwrap();
    stream.read_to_end(&mut answer).unwrap();
    answer
}
