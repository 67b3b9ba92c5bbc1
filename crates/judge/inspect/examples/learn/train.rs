//! Training: logistic regression over sentences. Of an attack only its worst sentence has to be seen, of an honest text none.

use doorward_inspect::training::{COUNT, Weights, scale};

use crate::grammar::Dice;

/// The sentences of one text.
#[derive(Clone)]
pub(crate) struct Bag {
    pub(crate) sentences: Vec<Vec<u16>>,
    pub(crate) is_attack: bool,
    /// How much it counts.
    pub(crate) weight: f32,
}

const ROUNDS: usize = 14;
const SETTLED: usize = 4;
const RATE: f32 = 0.15;
/// How strongly weights are drawn to nothing: what a few texts say is no rule.
const DECAY: f32 = 0.000_02;
/// Slopes that small teach nothing.
const FLAT: f32 = 0.002;

/// Learns weights from bags.
pub(crate) fn train(bags: &[Bag]) -> Weights {
    let mut learner = Learner { bias: -2.0, weights: vec![0.0; COUNT], squares: vec![1.0; COUNT + 1] };
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
            sum.iter_mut().zip(&learner.weights).for_each(|(sum, weight)| *sum += weight);
            rounds += 1.0;
        }
    }
    Weights::new(bias / rounds, sum.iter().map(|sum| sum / rounds).collect())
}

struct Learner {
    bias: f32,
    weights: Vec<f32>,
    squares: Vec<f32>,
}

impl Learner {
    fn logit(&self, sentence: &[u16]) -> f32 {
        self.bias + scale(sentence) * sentence.iter().map(|n| self.weights[usize::from(*n)]).sum::<f32>()
    }

    /// One step of AdaGrad.
    fn step(&mut self, sentence: &[u16], wanted: f32, weight: f32) {
        let chance = 1.0 / (1.0 + (-self.logit(sentence)).exp());
        let slope = (chance - wanted) * weight;
        if slope.abs() < FLAT {
            return;
        }
        let scale = scale(sentence);
        for n in sentence.iter().map(|n| usize::from(*n)) {
            let slope = slope * scale + DECAY * self.weights[n];
            self.squares[n] += slope * slope;
            self.weights[n] -= RATE * slope / self.squares[n].sqrt();
        }
        self.squares[COUNT] += slope * slope;
        self.bias -= RATE * slope / self.squares[COUNT].sqrt();
    }
}
