"""Reports that people keep: a night report and a model card, each one HTML file that needs nothing else.

`night_report` and `model_card` turn values into HTML, `charts` says where marks lie, `writing` reads and writes. The charts
are SVG in percent, written by the templates: text stays text at any width, colours follow light and dark, and bars are
printed. Matplotlib drew the same two pictures for 0.1 CPU seconds a night, and half a second more where it is not loaded.
"""
