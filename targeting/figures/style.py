"""How every picture looks: seaborn's theme, and colours."""

import matplotlib
import seaborn as sns

matplotlib.use("Agg")
sns.set_theme(style="whitegrid", context="notebook", font="DejaVu Sans")
# Colours that stay apart for colour-blind readers and in greyscale.
DARK, LIGHT, ACCENT = "#1b4965", "#9db4c0", "#c8553d"
