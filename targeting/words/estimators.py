"""What each estimator of an average effect is called in tables and pictures."""

NAMES = {
    "naive": "difference of means (confounded)",
    "did": "difference in differences, unadjusted",
    "ols": "least squares",
    "ipw": "inverse propensity weights alone",
    "aipw": "doubly robust, everybody",
    "tmle": "targeted maximum likelihood, everybody",
    "att": "doubly robust, the treated",
    "matching": "matching, the treated",
    "ato": "doubly robust, overlap",
    "owate": "doubly robust, overlap, steady spenders first",
    "dml": "double machine learning",
}
