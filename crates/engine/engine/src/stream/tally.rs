//! What of an answer has left, for its record.

/// What was released: frames, bytes, and a rolling digest over them.
pub(crate) struct Tally {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    rolling: aws_lc_rs::digest::Context,
}

impl Default for Tally {
    fn default() -> Self {
        Self { frames: 0, bytes: 0, rolling: aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256) }
    }
}

impl Tally {
    pub(crate) fn count(&mut self, frame: &[u8]) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
        self.rolling.update(frame);
    }

    /// Counts events that were judged before.
    pub(super) fn count_all(&mut self, events: u64, text: &[u8]) {
        self.frames += events;
        self.bytes += text.len() as u64;
        self.rolling.update(text);
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let digest = self.rolling.clone().finish();
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        bytes
    }
}
