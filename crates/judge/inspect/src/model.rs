//! The linear model: one weight a feature, learned by `cargo xtask train` and checked in.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::features::COUNT;
use crate::place::Place;

/// Weights of one kind of place, as they are stored: a byte each, so that those of a sentence are near each other. The first is the
/// bias.
#[derive(Debug, Clone)]
pub struct Weights(Cow<'static, [u8]>);

/// What a weight is stored in steps of.
const STEP: f32 = 1.0 / 32.0;
/// The same for the bias, which is larger.
const BIAS_STEP: f32 = 1.0 / 8.0;
/// Bytes of one kind: the bias, then one for each feature.
const BYTES: usize = 1 + COUNT;

impl Weights {
    /// Returns the log of the odds that a sentence of these features is an attack.
    pub fn logit(&self, features: &[u16]) -> f32 {
        let steps = |byte: &u8| i16::from(byte.cast_signed());
        let weights = features.iter().filter_map(|n| self.0.get(1 + usize::from(*n)));
        // A sentence has some thousands of features at the most, each of at most 127 steps.
        let sum = weights.fold(0_i32, |sum, byte| sum.saturating_add(i32::from(steps(byte))));
        let bias = self.0.first().map_or(0, steps);
        #[expect(clippy::cast_precision_loss, reason = "a sum far below 2^24")]
        let sum = sum as f32;
        f32::from(bias) * BIAS_STEP + scale(features) * sum * STEP
    }

    /// Returns the weights as they are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Weights as training makes them, one for each feature.
#[derive(Debug, Clone)]
pub struct Learned {
    bias: f32,
    weights: Vec<f32>,
}

impl Learned {
    /// Makes weights of their parts.
    pub fn new(bias: f32, weights: Vec<f32>) -> Self {
        Self { bias, weights }
    }

    /// Returns the same weights with the odds shifted down by so much and then drawn apart: training that holds weights down
    /// says little loudly.
    #[must_use]
    pub fn tuned(mut self, down: f32, apart: f32) -> Self {
        self.bias = (self.bias - down) * apart;
        self.weights.iter_mut().for_each(|weight| *weight *= apart);
        self
    }

    /// Returns the weights as they are stored: what is shipped is what is measured.
    #[must_use]
    pub fn stored(&self) -> Weights {
        #[expect(clippy::cast_possible_truncation, reason = "it is clamped to what fits")]
        let steps =
            |value: f32, step: f32| ((value / step).round().clamp(-127.0, 127.0) as i8).cast_unsigned();
        let weights = self.weights.iter().map(|weight| steps(*weight, STEP));
        Weights(std::iter::once(steps(self.bias, BIAS_STEP)).chain(weights).collect())
    }
}

/// What the sum is multiplied by: a long sentence has many features and says no more for it.
pub fn scale(features: &[u16]) -> f32 {
    let count = u16::try_from(features.len()).unwrap_or(u16::MAX);
    8.0 / (f32::from(count) + 20.0).sqrt()
}

/// The weights that are shipped for a place.
pub(crate) fn weights(place: Place) -> &'static Weights {
    static BOTH: LazyLock<[Weights; 2]> = LazyLock::new(|| {
        let (definition, content) = BYTES_OF_BOTH.split_at_checked(BYTES).unwrap_or_default();
        [definition, content].map(|bytes| Weights(Cow::Borrowed(bytes)))
    });
    let [definition, content] = &*BOTH;
    if place.is_definition() { definition } else { content }
}

const BYTES_OF_BOTH: &[u8] = include_bytes!("model.bin");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_weights_fit_the_features() {
        assert_eq!(BYTES_OF_BOTH.len(), 2 * BYTES);
        let both = [Place::Description, Place::Content].map(|place| weights(place).bytes());
        assert_eq!(both.concat(), BYTES_OF_BOTH);
    }

    #[test]
    fn what_is_stored_is_what_was_learned_in_steps() {
        let mut learned = vec![0.0; COUNT];
        learned.iter_mut().zip([1.0, -0.51, 9.0]).for_each(|(weight, value)| *weight = value);
        let stored = Learned::new(-2.0, learned).tuned(1.0, 1.0).stored();
        let sum = 1.0 - 0.5 + 127.0 / 32.0;
        let found = stored.logit(&[0, 1, 2]);
        assert!((found - (-3.0 + scale(&[0, 1, 2]) * sum)).abs() < 1e-4, "{found}");
    }
}
