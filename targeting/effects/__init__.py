"""Average effects: estimators, trimming, pooling over trials, and effects by segment."""
