"""The examples of Paddle's page on launch, word for word: by number, one script for each host."""

LAUNCH = "python -m paddle.distributed.launch"
HOSTS = ["192.168.0.16", "192.168.0.17"]
ETCD = "10.0.0.1"

_TWO_COLLECTIVE = ("python -m paddle.distributed.launch --devices=0,1,2,3 --master=192.168.0.16:8090 "
                   "--nnodes=2 train.py --lr=0.01")
_TWO_SERVERS = ("python -m paddle.distributed.launch --master=192.168.0.16:8090 --nnodes=2 "
                "--server_num=1 --trainer_num=2 train.py --lr=0.01")
_TWO_GPU_SERVERS = """\
export CUDA_VISIBLE_DEVICES=0,1
python -m paddle.distributed.launch --servers="192.168.0.16:6170,192.168.0.17:6170" \
--workers="192.168.0.16:6171,192.168.0.16:6172,192.168.0.17:6171,192.168.0.17:6172" train.py --lr=0.01
"""
_TWO_STAGES = """\
export CUDA_VISIBLE_DEVICES=0
python -m paddle.distributed.launch --servers="192.168.0.16:6170,192.168.0.17:6170" \
--workers="192.168.0.16:6171,192.168.0.17:6171" \
--heter_workers="192.168.0.16:6172,192.168.0.17:6172" train.py --lr=0.01
"""

EXAMPLES = {
    0: ["python -m paddle.distributed.launch --nnodes 2 train.py"],  # The other host: what it prints.
    1: ["python -m paddle.distributed.launch --devices=0,1,2,3 train.py --lr=0.01"],
    2: [_TWO_COLLECTIVE, _TWO_COLLECTIVE],
    3: ["python -m paddle.distributed.launch --server_num=2 --trainer_num=4 train.py --lr=0.01"],
    4: [_TWO_SERVERS, _TWO_SERVERS],
    5: ["export CUDA_VISIBLE_DEVICES=0,1,2,3\n"
        "python -m paddle.distributed.launch --server_num=2 --worker_num=4 train.py --lr=0.01\n"],
    6: [_TWO_GPU_SERVERS, _TWO_GPU_SERVERS],
    7: ["export CUDA_VISIBLE_DEVICES=0,1\n"
        "python -m paddle.distributed.launch --server_num=2 --worker_num=2 --heter_worker_num=2 "
        "train.py --lr=0.01\n"],
    8: [_TWO_STAGES, _TWO_STAGES],
    9: ["python -m paddle.distributed.launch --master etcd://10.0.0.1:2379 --nnodes 2:4 train.py"],
    10: ["python -m paddle.distributed.launch --devices 4 ipu --hosts=localhost --nproc_per_host=2 "
         "--ipus_per_replica=1 --ipu_partition=pod16 --vipu_server=127.0.0.1 train.py"],
}


def script(number, host=0, launch="paddle-launch"):
    """What a shell of that host is to run, with `launch` for Paddle's own launcher."""
    return EXAMPLES[number][host].replace(LAUNCH, launch)
