//! Permits on their way to a bus: from a thread that must neither wait nor allocate to a task.

use crossbeam_queue::ArrayQueue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Both ends of a queue with this many places, all of them made now.
pub(crate) fn queue<T>(places: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        waiting: ArrayQueue::new(places),
        news: Notify::new(),
        is_left: AtomicBool::new(false),
        is_closed: AtomicBool::new(false),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

#[derive(Debug)]
struct Shared<T> {
    waiting: ArrayQueue<T>,
    news: Notify,
    /// The receiver is gone.
    is_left: AtomicBool,
    /// The sender is gone.
    is_closed: AtomicBool,
}

/// The end into which permits are put.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// Why a permit was not taken; it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// No place is free.
    Full,
    /// Nobody takes permits any more.
    Left,
}

impl<T> Sender<T> {
    /// Puts a permit in, without waiting.
    pub(crate) fn send(&self, permit: T) -> Result<(), NotSent> {
        if self.0.is_left.load(Ordering::Acquire) {
            return Err(NotSent::Left);
        }
        self.0.waiting.push(permit).map_err(|_| NotSent::Full)?;
        self.0.news.notify_one();
        Ok(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.is_closed.store(true, Ordering::Release);
        self.0.news.notify_one();
    }
}

/// The end from which a bus takes them.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

impl<T> Receiver<T> {
    /// Takes what waits, up to a number; waits where nothing does. Zero: nothing comes any more. Nothing is lost where the
    /// wait is given up.
    pub(crate) async fn recv_many(&mut self, into: &mut Vec<T>, most: usize) -> usize {
        loop {
            // Asked before looking, so that what came last is not missed.
            let is_closed = self.0.is_closed.load(Ordering::Acquire);
            let count = std::iter::from_fn(|| self.0.waiting.pop())
                .take(most)
                .map(|permit| into.push(permit))
                .count();
            if count > 0 || is_closed {
                return count;
            }
            self.0.news.notified().await;
        }
    }

    /// Takes one; `None`: nothing comes any more.
    pub(crate) async fn recv(&mut self) -> Option<T> {
        loop {
            let is_closed = self.0.is_closed.load(Ordering::Acquire);
            let permit = self.0.waiting.pop();
            if permit.is_some() || is_closed {
                return permit;
            }
            self.0.news.notified().await;
        }
    }

    /// Takes one that waits already; `Err` where nothing does and nothing comes any more.
    pub(crate) fn try_recv(&mut self) -> Result<Option<T>, Closed> {
        let is_closed = self.0.is_closed.load(Ordering::Acquire);
        match self.0.waiting.pop() {
            None if is_closed => Err(Closed),
            permit => Ok(permit),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.is_left.store(true, Ordering::Release);
    }
}

/// Nothing comes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_put_in_comes_out_in_order_and_the_ends_know_of_each_other() {
        let (sender, mut receiver) = queue::<u32>(4);
        assert_eq!(receiver.try_recv(), Ok(None));
        for number in 0..4 {
            assert_eq!(sender.send(number), Ok(()));
        }
        assert_eq!(sender.send(4), Err(NotSent::Full));
        let mut taken = Vec::new();
        assert_eq!((receiver.recv_many(&mut taken, 3).await, &*taken), (3, &[0, 1, 2][..]));
        assert_eq!(receiver.recv().await, Some(3));
        assert_eq!(sender.send(5), Ok(()));
        drop(sender);
        assert_eq!(receiver.recv_many(&mut taken, 3).await, 1, "what was put in before the end still comes");
        assert_eq!((receiver.recv_many(&mut taken, 3).await, receiver.recv().await), (0, None));
        assert_eq!(receiver.try_recv(), Err(Closed));
        let (sender, receiver) = queue::<u32>(4);
        drop(receiver);
        assert_eq!(sender.send(1), Err(NotSent::Left));
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_loses_nothing() {
        let (sender, mut receiver) = queue::<u32>(4);
        let mut taken = Vec::new();
        let waited = tokio::time::timeout(std::time::Duration::from_millis(1), receiver.recv()).await;
        assert!(waited.is_err());
        let from_elsewhere = std::thread::spawn(move || sender.send(7).map(|()| sender));
        let sender = from_elsewhere.join().unwrap();
        assert!(sender.is_ok());
        assert_eq!((receiver.recv_many(&mut taken, 9).await, &*taken), (1, &[7][..]));
    }
}
