//! Properties over random plans and histories.
