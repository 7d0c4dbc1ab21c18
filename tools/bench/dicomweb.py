"""Downloads of a CT series of 300 slices of 512x512 from Orthanc: ours, then those of dicomweb-client.

Starts the Orthanc that the environment names, has `crates/medio/benches/dicomweb.rs` store the series and download it,
and then does the same with dicomweb-client: to disk, and with the sum of all pixels. Last, the same bytes by curl, which
neither parses nor writes them: what the server and the network take. Wall milliseconds, and CPU milliseconds of the client.

    eval "$(.ci/orthanc FOLDER)"
    python tools/bench/dicomweb.py
"""

import base64
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

import pydicom
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass

ROOT = pathlib.Path(__file__).parents[2]
FILES = ROOT / "target/bench-files/dicomweb"
PORT = 18043
URL = f"http://127.0.0.1:{PORT}/dicom-web"
ROUNDS = 7


def start(folder):
    settings = {
        "StorageDirectory": folder,
        "IndexDirectory": folder,
        "Plugins": [os.environ["MED_ORTHANC_DICOMWEB"]],
        "HttpPort": PORT,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"reader": "secret"},
        "DicomServerEnabled": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "PublicRoot": "/dicom-web/"},
    }
    path = pathlib.Path(folder) / "orthanc.json"
    path.write_text(json.dumps(settings))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([os.environ["MED_ORTHANC"], path], **quiet)
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/system")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"reader:secret").decode())
    for _ in range(300):
        try:
            urllib.request.urlopen(request).read()
            return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise SystemExit("Orthanc does not answer")


def cpu():
    """Of this process and of those it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(name, megabytes, work):
    wall, processor = [], []
    for _ in range(ROUNDS):
        begun, before = time.perf_counter(), cpu()
        work()
        wall.append((time.perf_counter() - begun) * 1e3)
        processor.append((cpu() - before) * 1e3)
    least, median = min(wall), statistics.median(wall)
    rate = megabytes / least * 1e3
    print(f"{name:40} min {least:6.0f}  median {median:6.0f}  cpu {min(processor):6.0f}  {rate:5.0f} MB/s", flush=True)


def theirs():
    first = pydicom.dcmread(FILES / "ct/00001.dcm", stop_before_pixels=True)
    series = (first.StudyInstanceUID, first.SeriesInstanceUID)
    client = DICOMwebClient(URL, session=create_session_from_user_pass("reader", "secret"))
    folder = FILES / "theirs"

    def fetch(use):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for instance in client.iter_series(*series):
            instance.save_as(folder / f"{instance.SOPInstanceUID}.dcm")
            use(instance)

    fetch(lambda instance: None)
    megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    measure("dicomweb-client, to disk", megabytes, lambda: fetch(lambda instance: None))
    measure("dicomweb-client, and read", megabytes, lambda: fetch(lambda instance: instance.pixel_array.sum()))
    shutil.rmtree(folder)
    url = f"{URL}/studies/{series[0]}/series/{series[1]}"
    accept = 'Accept: multipart/related; type="application/dicom"; transfer-syntax=*'
    command = ["curl", "-s", "-o", os.devnull, "-u", "reader:secret", "-H", accept, url]
    measure("curl, to nowhere", megabytes, lambda: subprocess.run(command, check=True))


def main():
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        server = start(folder)
        try:
            bench = ["cargo", "bench", "--quiet", "-p", "medio", "--features", "dicomweb", "--bench", "dicomweb", "--"]
            subprocess.run(bench, check=True, cwd=ROOT)
            bench += ["--url", URL, "--user", "reader", "--password", "secret"]
            subprocess.run(bench, check=True, cwd=ROOT)
            theirs()
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
