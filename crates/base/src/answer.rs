//! Answers that leave together.

use tokio::sync::oneshot;

/// An answer for one caller, with those for others that became ready in the same batch.
///
/// Waking a caller from a thread outside the runtime costs a system call, and on a busy core a change of threads
/// there and back. So a batch wakes only its first caller. When that one takes its answer, or goes away, the
/// others get theirs from there, within the runtime, where waking costs next to nothing.
#[derive(Debug)]
pub struct Answer<T> {
    own: Option<T>,
    others: Vec<(oneshot::Sender<Self>, T)>,
}

impl<T> Answer<T> {
    /// Sends each answer of a batch to its caller. A caller that went away needs none.
    pub fn send_all(batch: impl IntoIterator<Item = (oneshot::Sender<Self>, T)>) {
        let mut batch = batch.into_iter();
        if let Some((first, own)) = batch.next() {
            let _ = first.send(Self { own: Some(own), others: batch.collect() });
        }
    }

    /// The answer, which is there until it is taken.
    pub fn take(mut self) -> Option<T> {
        self.own.take()
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        for (other, own) in self.others.drain(..) {
            let _ = other.send(Self { own: Some(own), others: Vec::new() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(answers: std::ops::Range<u8>) -> Vec<oneshot::Receiver<Answer<u8>>> {
        let (senders, receivers): (Vec<_>, Vec<_>) = answers.clone().map(|_| oneshot::channel()).unzip();
        Answer::send_all(senders.into_iter().zip(answers));
        receivers
    }

    #[test]
    fn the_first_to_take_its_answer_hands_the_others_theirs() {
        let mut receivers = batch(0..3);
        assert!(receivers[1].try_recv().is_err());
        for (answer, receiver) in (0..3).zip(&mut receivers) {
            assert_eq!(receiver.try_recv().unwrap().take(), Some(answer));
        }
        assert!(batch(0..0).is_empty());
    }

    #[test]
    fn a_caller_that_goes_away_before_or_after_its_answer_came_holds_nobody_up() {
        for leaves_first in [true, false] {
            let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
            if leaves_first {
                drop(receivers.remove(0));
            }
            Answer::send_all(senders.into_iter().zip(0..3));
            if !leaves_first {
                drop(receivers.remove(0));
            }
            for (answer, receiver) in (1..3).zip(&mut receivers) {
                assert_eq!(receiver.try_recv().unwrap().take(), Some(answer));
            }
        }
    }
}
