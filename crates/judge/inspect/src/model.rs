//! The linear model: one weight a feature, learned by `cargo xtask train` and checked in.

use std::sync::LazyLock;

use crate::features::COUNT;
use crate::place::Place;

/// Weights of one kind of place.
#[derive(Debug, Clone)]
pub struct Weights {
    bias: f32,
    weights: Vec<f32>,
}

/// What a weight is stored in steps of.
const STEP: f32 = 1.0 / 32.0;
/// The same for the bias, which is larger.
const BIAS_STEP: f32 = 1.0 / 8.0;
/// Bytes of one kind: the bias, then one for each feature.
const BYTES: usize = 1 + COUNT;

impl Weights {
    /// Makes weights of their parts, as training does; there is one weight for each feature.
    pub fn new(bias: f32, weights: Vec<f32>) -> Self {
        Self { bias, weights }
    }

    /// Returns the log of the odds that a sentence of these features is an attack.
    pub fn logit(&self, features: &[u16]) -> f32 {
        let weights = features.iter().filter_map(|n| self.weights.get(usize::from(*n)));
        self.bias + scale(features) * weights.sum::<f32>()
    }

    /// Returns the same weights with the odds shifted down by so much and then drawn apart: training that holds weights down
    /// says little loudly.
    #[must_use]
    pub fn tuned(mut self, down: f32, apart: f32) -> Self {
        self.bias = (self.bias - down) * apart;
        self.weights.iter_mut().for_each(|weight| *weight *= apart);
        self
    }

    /// Writes the weights, a byte each.
    pub fn to_bytes(&self) -> Vec<u8> {
        #[expect(clippy::cast_possible_truncation, reason = "it is clamped to what fits")]
        let steps = |value: f32, step: f32| (value / step).round().clamp(-127.0, 127.0) as i8;
        let weights = self.weights.iter().map(|weight| steps(*weight, STEP));
        std::iter::once(steps(self.bias, BIAS_STEP)).chain(weights).map(i8::cast_unsigned).collect()
    }

    /// Returns the weights as they are after they were written and read: what is shipped is what is measured.
    #[must_use]
    pub fn stored(&self) -> Self {
        Self::from_bytes(&self.to_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let mut values = bytes.iter().map(|byte| f32::from(byte.cast_signed()));
        let bias = values.next().unwrap_or_default() * BIAS_STEP;
        Self { bias, weights: values.map(|value| value * STEP).collect() }
    }
}

/// What the sum is multiplied by: a long sentence has many features and says no more for it.
pub fn scale(features: &[u16]) -> f32 {
    let count = u16::try_from(features.len()).unwrap_or(u16::MAX);
    8.0 / (f32::from(count) + 20.0).sqrt()
}

static DEFINITION: LazyLock<Weights> =
    LazyLock::new(|| Weights::from_bytes(BYTES_OF_BOTH.get(..BYTES).unwrap_or_default()));
static CONTENT: LazyLock<Weights> =
    LazyLock::new(|| Weights::from_bytes(BYTES_OF_BOTH.get(BYTES..).unwrap_or_default()));

const BYTES_OF_BOTH: &[u8] = include_bytes!("model.bin");

/// The weights that are shipped for a place.
pub(crate) fn weights(place: Place) -> &'static Weights {
    if place.is_definition() { &DEFINITION } else { &CONTENT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_weights_fit_the_features() {
        assert_eq!(BYTES_OF_BOTH.len(), 2 * BYTES);
        let again = [DEFINITION.to_bytes(), CONTENT.to_bytes()].concat();
        assert_eq!(again, BYTES_OF_BOTH);
    }
}
