//! The words of Ballast: quantities, time, ids, points, samples, the snapshot, intents, verdicts and the one typed condition.
