"""Parts of grouping: what is compared of an article, the window it is compared in, and the judgement of a pair."""
