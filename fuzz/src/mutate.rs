//! Damage, from a seed: bits, cuts, copies, moves, pieces that mean something, parts of other inputs, and whole
//! elements, which stay well-formed more often.

use base::SeededRandom;

/// An endless sequence of damaged inputs. The same seed gives the same sequence.
#[derive(Debug)]
pub struct Mutator<'a> {
    random: SeededRandom,
    inputs: &'a [Vec<u8>],
    pieces: &'a [&'a str],
}

/// Mutations do not grow an input much beyond this.
const LONGEST: usize = 64 * 1024;

impl<'a> Mutator<'a> {
    /// `inputs` are what is damaged; `pieces` are put in.
    pub fn new(seed: u64, inputs: &'a [Vec<u8>], pieces: &'a [&'a str]) -> Self {
        Self { random: SeededRandom::new(seed), inputs, pieces }
    }

    /// The next damaged input: one of the inputs after one to four changes, mostly few: more than one decoder
    /// looks no further than the first damage.
    pub fn next_input(&self) -> Vec<u8> {
        let mut bytes = self.input().to_vec();
        for _ in 0..=self.below(1 + self.below(4)) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn input(&self) -> &'a [u8] {
        self.inputs.get(self.below(self.inputs.len())).map(Vec::as_slice).unwrap_or_default()
    }

    fn change(&self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let length = 1 + self.below(1 << self.below(10));
        let end = (at + length).min(bytes.len());
        match self.below(12) {
            0 => self.overwrite(bytes, at, |old, random| old ^ (1 << (random % 8))),
            1 => self.overwrite(bytes, at, |_, random| random),
            2 => drop(bytes.drain(at..end)),
            3 if bytes.len() < LONGEST => {
                let piece = self.pieces.get(self.below(self.pieces.len())).copied().unwrap_or("\0");
                bytes.splice(at..at, piece.bytes());
            }
            4 if bytes.len() < LONGEST => {
                let copy = bytes.get(at..end).unwrap_or_default().to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            5 => {
                let moved: Vec<u8> = bytes.drain(at..end).collect();
                let to = self.below(bytes.len());
                bytes.splice(to..to, moved);
            }
            6 if bytes.len() < LONGEST => {
                let other = self.input();
                let from = self.below(other.len());
                let part = other.get(from..(from + length).min(other.len())).unwrap_or_default();
                bytes.splice(at..at, part.iter().copied());
            }
            7 => bytes.truncate(at),
            _ => self.move_between_marks(bytes),
        }
    }

    fn overwrite(&self, bytes: &mut [u8], at: usize, change: fn(u8, u8) -> u8) {
        let [random, ..] = self.random.next_u64().to_le_bytes();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = change(*byte, random);
        }
    }

    /// Copies or moves from one mark to another before a third; marks begin tags, parameters, headers and lines.
    fn move_between_marks(&self, bytes: &mut Vec<u8>) {
        let marks = |bytes: &[u8]| -> Vec<usize> {
            let marked = bytes.iter().zip(0..).filter(|(byte, _)| matches!(byte, b'<' | b'&' | b';' | b'\n'));
            marked.map(|(_, at)| at).collect()
        };
        let places = marks(bytes);
        let from = self.below(places.len());
        let to = (from + 1 + self.below(12)).min(places.len().saturating_sub(1));
        let (Some(&begin), Some(&end)) = (places.get(from), places.get(to)) else { return };
        if begin >= end {
            return;
        }
        let part = bytes.get(begin..end).unwrap_or_default().to_vec();
        if self.below(2) == 0 || bytes.len() > LONGEST {
            bytes.drain(begin..end);
        }
        let places = marks(bytes);
        if let Some(&place) = places.get(self.below(places.len())) {
            bytes.splice(place..place, part);
        }
    }

    /// A number below `bound`; 0 when that is 0.
    fn below(&self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.random.next_u64() % bound).unwrap_or_default()
    }
}
