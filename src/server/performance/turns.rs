//! Measurements of one process take turns, in the order in which they were begun: two at once would measure each other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Which measurement makes load now, and which ones wait. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    is_taken: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to make load. Whoever waits longest gets it when this is dropped.
#[derive(Debug)]
pub(super) struct Turn(Turns);

/// A place in the queue.
#[derive(Debug)]
pub(super) enum Place {
    /// Nobody measures.
    First(Turn),
    /// The turn comes when those before have had theirs; who drops this waits no more.
    Later(oneshot::Receiver<Turn>),
}

impl Turns {
    /// Takes the last place.
    pub(super) fn queue(&self) -> Place {
        let mut queue = self.lock();
        if !queue.is_taken {
            queue.is_taken = true;
            return Place::First(Turn(self.clone()));
        }
        let (sender, receiver) = oneshot::channel();
        queue.waiting.push_back(sender);
        Place::Later(receiver)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is never left half changed, so a panic elsewhere takes nothing from it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut queue = self.lock();
        loop {
            match queue.waiting.pop_front() {
                Some(waiting) if waiting.is_closed() => {}
                Some(waiting) => return Some(waiting),
                None => {
                    queue.is_taken = false;
                    return None;
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(waiting) = self.0.next() {
            // Who has gone in this moment gives the turn back by dropping it.
            drop(waiting.send(Turn(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(turns: &Turns) -> oneshot::Receiver<Turn> {
        match turns.queue() {
            Place::Later(receiver) => receiver,
            Place::First(_) => panic!("somebody measures"),
        }
    }

    #[test]
    fn turns_are_had_in_order_and_one_at_a_time() {
        let turns = Turns::default();
        let Place::First(first) = turns.queue() else { panic!("nobody measures") };
        let (mut second, mut third) = (later(&turns), later(&turns));
        assert!(second.try_recv().is_err() && third.try_recv().is_err());
        drop(first);
        let turn = second.try_recv().unwrap();
        assert!(third.try_recv().is_err(), "the second has its turn");
        drop(turn);
        drop(third.try_recv().unwrap());
        assert!(matches!(turns.queue(), Place::First(_)));
    }

    #[test]
    fn who_waits_no_more_is_passed_over() {
        let turns = Turns::default();
        let Place::First(first) = turns.queue() else { panic!("nobody measures") };
        let (gone, mut next) = (later(&turns), later(&turns));
        drop(gone);
        drop(first);
        let turn = next.try_recv().unwrap();
        // One that goes after it got its turn, and before it took it.
        let unread = later(&turns);
        drop(turn);
        drop(unread);
        assert!(matches!(turns.queue(), Place::First(_)));
    }
}
