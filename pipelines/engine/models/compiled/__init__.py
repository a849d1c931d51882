"""Models compiled ahead of the night: trees as machine code, made by lleaves and LLVM.

```
build.py         compile a package's model, in a process of its own, and prove it on a sample
sample.py        rows that try every split of a model from both sides
processor.py     for which processors machine code is good
machine_code.py  load an object file, and call it
scorer.py        score with it, and prove it on the rows of the night
```

A compiled model gives the plain one's scores bit for bit, or is not used: work that is done again, on another machine
or with another path, must give what it gave before.
"""

from __future__ import annotations

from pipelines.engine.models.compiled.build import CannotCompile, compile_package
from pipelines.engine.models.compiled.machine_code import MachineCode
from pipelines.engine.models.compiled.processor import processor
from pipelines.engine.models.compiled.scorer import CompiledScorer

__all__ = ["CannotCompile", "CompiledScorer", "MachineCode", "compile_package", "processor"]
