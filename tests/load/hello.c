/* hello: the least that a FastCGI program can do; what make bench measures our responders against. */
#include <fcgiapp.h>

int main(void)
{
    FCGX_Request request;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0) {
        return 1;
    }
    while (FCGX_Accept_r(&request) == 0) {
        FCGX_PutS("Content-Type: application/json\r\n\r\n{\"message\":\"hello\"}", request.out);
        FCGX_Finish_r(&request);
    }
    return 0;
}
