//! Training: logistic regression over sentences. Of an attack only its worst sentence has to be seen, of an honest text none.

use doorward_inspect::training::{COUNT, Learned, scale};

use crate::grammar::Dice;

/// The sentences of one text.
#[derive(Clone)]
pub(crate) struct Bag {
    pub(crate) sentences: Vec<Vec<u16>>,
    pub(crate) is_attack: bool,
    /// How much it counts.
    pub(crate) weight: f32,
}

const ROUNDS: usize = 16;
const SETTLED: usize = 10;
/// The first step; later ones are smaller, so that each text is heard as much as any other.
const FIRST: f32 = 0.4;

/// Learns weights from bags, by gradient descent over one text after another with the squares of the weights held down
/// (Bottou's schedule). `trust` is how much all texts together count against the size of the weights: what a few texts say is no
/// rule.
pub(crate) fn train(bags: &[Bag], trust: f32) -> Learned {
    let steps: usize = bags.iter().map(|bag| if bag.is_attack { 1 } else { bag.sentences.len() }).sum();
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^24")]
    let decay = 1.0 / (trust * steps as f32);
    let mut learner =
        Learner { bias: -2.0, weights: vec![0.0; COUNT], size: 1.0, decay, time: 1.0 / (decay * FIRST) };
    let mut order: Vec<usize> = (0..bags.len()).collect();
    let mut dice = Dice::new(7);
    // The mean over the last rounds: one round's weights lean towards what it saw last.
    let (mut sum, mut bias, mut rounds) = (vec![0.0; COUNT], 0.0, 0.0);
    for round in 0..ROUNDS {
        dice.shuffle(&mut order);
        for bag in order.iter().map(|n| &bags[*n]) {
            if !bag.is_attack {
                bag.sentences.iter().for_each(|sentence| learner.step(sentence, 0.0, bag.weight));
            } else if round == 0 {
                let share =
                    bag.weight / f32::from(u16::try_from(bag.sentences.len().max(1)).unwrap_or(u16::MAX));
                bag.sentences.iter().for_each(|sentence| learner.step(sentence, 1.0, share));
            } else {
                let worst = bag.sentences.iter().max_by(|a, b| learner.logit(a).total_cmp(&learner.logit(b)));
                worst.cloned().iter().for_each(|sentence| learner.step(sentence, 1.0, bag.weight));
            }
        }
        if round >= SETTLED {
            bias += learner.bias;
            sum.iter_mut().zip(&learner.weights).for_each(|(sum, weight)| *sum += weight * learner.size);
            rounds += 1.0;
        }
    }
    Learned::new(bias / rounds, sum.iter().map(|sum| sum / rounds).collect())
}

struct Learner {
    bias: f32,
    /// To be multiplied by `size`, so that a step that makes all of them smaller is one multiplication.
    weights: Vec<f32>,
    size: f32,
    decay: f32,
    time: f32,
}

impl Learner {
    fn logit(&self, sentence: &[u16]) -> f32 {
        let sum = sentence.iter().map(|n| self.weights[usize::from(*n)]).sum::<f32>();
        self.bias + scale(sentence) * sum * self.size
    }

    fn step(&mut self, sentence: &[u16], wanted: f32, weight: f32) {
        let chance = 1.0 / (1.0 + (-self.logit(sentence)).exp());
        let rate = 1.0 / (self.decay * self.time);
        self.time += 1.0;
        self.size *= 1.0 - rate * self.decay;
        let slope = (chance - wanted) * weight * rate;
        let each = slope * scale(sentence) / self.size;
        for n in sentence {
            self.weights[usize::from(*n)] -= each;
        }
        self.bias -= slope * 0.1;
        if self.size < 1e-4 {
            self.weights.iter_mut().for_each(|weight| *weight *= self.size);
            self.size = 1.0;
        }
    }
}
