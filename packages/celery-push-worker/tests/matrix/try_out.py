import sys, tempfile, time, json, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from matrix.runs import run_both
from matrix.stand_in import StandIn
folder = pathlib.Path(tempfile.mkdtemp())
print(folder)
t=time.time()
s = StandIn(folder)
try:
    found = run_both(s, sys.argv[1], folder)
finally:
    s.stop()
json.dump(found, open(sys.argv[2],'w'), indent=1)
print(time.time()-t)
